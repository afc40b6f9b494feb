/** What the walkthrough shows is there, and what completes its steps can happen. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

interface Step {
  readonly id: string
  readonly description: string
  readonly media: { readonly markdown?: string; readonly svg?: string; readonly altText?: string }
  readonly completionEvents: readonly string[]
}
const { contributes } = JSON.parse(readFileSync('package.json', 'utf8'))
const steps: readonly Step[] = contributes.walkthroughs[0].steps
const commands: readonly string[] = contributes.commands.map((command: { command: string }) => command.command)
const client = globSync('extension/client/*.ts').map(file => readFileSync(file, 'utf8')).join('\n')

test('there are five steps', () => {
  expect(steps.map(step => step.id)).toEqual(['open', 'show', 'change', 'cuda', 'verify'])
})

test.each(steps)('the picture of "$id" is there and described', ({ media }) => {
  expect(existsSync(media.markdown ?? media.svg ?? '')).toBe(true)
  if (media.svg !== undefined) expect(media.altText).toMatch(/\w{3}/)
})

test.each(steps)('the buttons of "$id" call commands with files that exist', ({ description }) => {
  for (const [, command, args] of description.matchAll(/\(command:([\w.]+)(?:\?([^)]*))?\)/g)) {
    expect(commands).toContain(command)
    const files: readonly string[] = JSON.parse(decodeURIComponent(args ?? '%5B%5D'))
    for (const file of files) expect(existsSync(`docs/examples/${file}`)).toBe(true)
  }
})

test.each(steps)('"$id" is completed by something that happens', ({ completionEvents }) => {
  for (const event of completionEvents) {
    const [kind, name = ''] = event.split(':')
    if (kind === 'onContext') expect(client.includes(`'setContext', '${name}'`), `the client sets ${name}`).toBe(true)
    else expect([kind, commands]).toEqual(['onCommand', expect.arrayContaining([name])])
  }
})
