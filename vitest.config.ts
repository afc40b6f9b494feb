import { readFileSync } from 'node:fs'
import { defineConfig } from 'vitest/config'

/** `.heddle`, `.cpp` and `.h` files are their text, as in the build. */
const heddleText = {
  name: 'heddle-text',
  enforce: 'pre' as const,
  load(id: string): string | undefined {
    const file = id.replace(/\?.*$/, '')
    return /\.(heddle|cpp|h)$/.test(file) ? `export default ${JSON.stringify(readFileSync(file, 'utf8'))}` : undefined
  }
}

/** For worker threads, which Node starts by itself. */
const execArgv = ['--import', new URL('scripts/text-modules.mjs', import.meta.url).href]

// nothing here is timed: properties run thousands of cases, and the machine may be busy
const testTimeout = 60_000

export default defineConfig({
  test: {
    projects: [
      {
        plugins: [heddleText],
        test: {
          name: 'unit', testTimeout, execArgv, include: ['test/**/*.test.ts'],
          exclude: ['test/integration/**', 'test/package/**', '**/fixtures/**']
        }
      },
      { test: { name: 'package', testTimeout, include: ['test/package/**/*.test.ts'] } }
    ]
  }
})
