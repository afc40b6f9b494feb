// Draws the extension's icon from its SVG: `node scripts/icon.ts` writes syntaxes/icons/heddle.png, 128 x 128, with
// transparent corners. The PNG is committed, so that building the extension needs no browser.
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { launchChromium } from '../test/harness/browser.ts'
import { root } from './paths.ts'

const size = 128
const icons = path.join(root, 'syntaxes/icons')
const browser = await launchChromium()
const page = await browser.newPage({ viewport: { width: size, height: size } })
await page.setContent(`<body style="margin: 0">${readFileSync(path.join(icons, 'heddle.svg'), 'utf8')}</body>`)
await page.screenshot({ path: path.join(icons, 'heddle.png'), omitBackground: true })
await browser.close()
