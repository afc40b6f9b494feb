// Takes the pictures of the documentation from the running product: `npm run pictures` writes docs/images/*.png.
import { mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { launchChromium } from '../test/harness/browser.ts'
import { startServer } from '../test/harness/servers.ts'
import { openWorkbench, themes } from '../test/harness/workbench.ts'
import { build } from './build.ts'
import { installCodeServer } from './code-server.ts'
import { pack } from './package.ts'
import { root, vsix } from './paths.ts'

const images = path.join(root, 'docs/images')
const example = 'docs/examples/4-matmul-block.heddle'
const line = readFileSync(path.join(root, example), 'utf8').split('\n').findIndex(text => text.startsWith('let tile')) + 1
mkdirSync(images, { recursive: true })
await build(false)
await pack()
await installCodeServer(console.log)
const server = await startServer({ kind: 'code-server', vsix })
const browser = await launchChromium()
try {
  for (const [name, theme] of Object.entries(themes)) {
    server.writeSettings({ 'workbench.colorTheme': theme, 'editor.minimap.enabled': false })
    const page = await browser.newPage({ viewport: { width: 1400, height: 860 } })
    const workbench = await openWorkbench(page, server, server.copyFolder(path.join(root, path.dirname(example))))
    await workbench.openFile(path.basename(example))
    await workbench.command('View: Toggle Primary Side Bar Visibility')
    await workbench.goTo(line, 5)
    await workbench.command('Heddle: Show Task Mapping')
    const explorer = workbench.webview()
    await explorer.locator('canvas').first().waitFor()
    await explorer.getByText('256 workers').first().waitFor()
    await page.waitForTimeout(1000) // fades and the cursor's blinking have no end to wait for
    await page.screenshot({ path: path.join(images, `explorer-${name}.png`) })
    await page.close()
    console.log(`docs/images/explorer-${name}.png`)
  }
} finally {
  await browser.close()
  await server.stop()
}
