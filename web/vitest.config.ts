import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: { globalSetup: ['test/demo.ts'], include: ['test/**/*.test.ts'], testTimeout: 60_000, hookTimeout: 120_000, fileParallelism: true, maxWorkers: 2 },
});
