import { defineConfig } from 'vitest/config';

// One file after the other: they share a hub, and what one enters is news for another.
export default defineConfig({
  test: { globalSetup: ['test/demo.ts'], include: ['test/**/*.test.ts', 'e2e/**/*.test.ts'], testTimeout: 60_000, hookTimeout: 120_000, fileParallelism: false },
});
