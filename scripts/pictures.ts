// Takes the pictures of the documentation from the running product: `npm run pictures` writes docs/images/*.png, by the
// specs in test/pictures.
import { spawnSync } from 'node:child_process'
import { build } from './build.ts'
import { installCodeServer } from './code-server.ts'
import { pack } from './package.ts'
import { root } from './paths.ts'

await build(false)
await pack()
await installCodeServer(console.log)
process.exitCode = spawnSync('playwright', ['test', '--project=pictures'], { cwd: root, stdio: 'inherit' }).status ?? 1
