// Writes docs/operators.md: `npm run operators`.
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { operatorsPage } from './operators-page.ts'
import { root } from './paths.ts'

writeFileSync(path.join(root, 'docs/operators.md'), operatorsPage())
