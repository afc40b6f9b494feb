import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const text = readFileSync('GLOSSARY.md', 'utf8')
const words = [...text.matchAll(/^## (.+)$/gm)].map(match => match[1] ?? '')

test('the entries are in alphabetical order, each once', () => {
  expect(words).toEqual([...new Set(words)].sort())
})

test('every file that the glossary names exists', () => {
  const named = text.matchAll(/`((?:compiler-core|docs|extension|webview)\/[\w./-]+)`/g)
  const paths = [...named].map(match => match[1] ?? '')
  expect(paths.length).toBeGreaterThan(5)
  expect(paths.filter(path => !existsSync(path))).toEqual([])
})

test('every word that an entry refers to is an entry', () => {
  const phrases = 'See also|confused with|opposite is an?|point is an?|For a mapping the|Short for'
  const referred = [...text.matchAll(new RegExp(`(?:${phrases}) \\*([^*]+)\\*`, 'g'))]
  const missing = referred.map(match => match[1] ?? '').filter(word => !words.includes(word))
  expect(referred.length).toBeGreaterThan(5)
  expect(missing).toEqual([])
})
