// Lets Node import `.heddle`, `.cpp` and `.h` files as their text, as esbuild and vitest do:
// `import text from './std/matmul.heddle'`.
import { readFileSync } from 'node:fs'
import { registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'

registerHooks({
  load(url, context, next) {
    if (!/\.(heddle|cpp|h)$/.test(url)) return next(url, context)
    const source = `export default ${JSON.stringify(readFileSync(fileURLToPath(url), 'utf8'))}`
    return { format: 'module', source, shortCircuit: true }
  }
})
