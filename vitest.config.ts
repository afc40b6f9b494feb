import { readFileSync } from 'node:fs'
import { defineConfig } from 'vitest/config'

/** `.heddle` files are their text, as in the build. */
const heddleText = {
  name: 'heddle-text',
  enforce: 'pre' as const,
  load(id: string): string | undefined {
    const file = id.replace(/\?.*$/, '')
    return file.endsWith('.heddle') ? `export default ${JSON.stringify(readFileSync(file, 'utf8'))}` : undefined
  }
}

// nothing here is timed: properties run thousands of cases, and the machine may be busy
const testTimeout = 60_000

export default defineConfig({
  test: {
    projects: [
      {
        plugins: [heddleText],
        test: {
          name: 'unit', testTimeout, include: ['test/**/*.test.ts'],
          exclude: ['test/integration/**', 'test/package/**', '**/fixtures/**']
        }
      },
      { test: { name: 'package', testTimeout, include: ['test/package/**/*.test.ts'] } }
    ]
  }
})
