import { defineConfig } from 'vitest/config';

// Files of one project share a hub, and what one enters is news for another: one
// after the other. Whoever ends grants and revokes tablets has a hub alone.
const project = (name: string, include: string, groupOrder: number) => ({
  test: { name, globalSetup: ['test/demo.ts'], include: [include], testTimeout: 60_000, hookTimeout: 120_000, fileParallelism: false, sequence: { groupOrder } },
});

export default defineConfig({
  test: { projects: [project('core', 'test/**/*.test.ts', 0), project('tablet', 'e2e/tablet.test.ts', 1), project('desk', 'e2e/desk.test.ts', 2)] },
});
