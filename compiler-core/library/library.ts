/**
 * The text of the library's files and their addresses.
 *
 * Library files are like any other: they have a URI, so that a definition in them can be opened and hovered. Their text
 * is part of the program (imported as text), so that one bundled file is all there is to install.
 *
 *     import "std/prelude"   ->   heddle-std:/prelude.heddle
 */
import attention from './std/attention.heddle'
import builtin from './std/builtin.heddle'
import conv from './std/conv.heddle'
import elementwise from './std/elementwise.heddle'
import index from './std/index.heddle'
import matmul from './std/matmul.heddle'
import members from './std/members.heddle'
import norm from './std/norm.heddle'
import pool from './std/pool.heddle'
import prelude from './std/prelude.heddle'
import quantise from './std/quantise.heddle'
import reduce from './std/reduce.heddle'
import resize from './std/resize.heddle'
import shape from './std/shape.heddle'
import softmax from './std/softmax.heddle'

const libraryScheme = 'heddle-std:'

/** Names that every file sees without an import. */
export const builtinUri = libraryUri('builtin')
/** What stands after the dot of a value: `m.workers`, `s.drop(0)`. */
export const membersUri = libraryUri('members')
export const preludeUri = libraryUri('prelude')

/** What `import "std/NAME"` can name. */
const importable = {
  prelude, attention, conv, elementwise, index, matmul, norm, pool, quantise, reduce, resize, shape, softmax
}

const texts: ReadonlyMap<string, string> = new Map([
  [builtinUri, builtin], [membersUri, members],
  ...Object.entries(importable).map(([name, text]): [string, string] => [libraryUri(name), text])
])

/** The paths that `import "std/..."` can name. */
export const libraryImports: readonly string[] = Object.keys(importable).map(name => `std/${name}`)

/** The text of a library file; undefined for any other URI. */
export function libraryText(uri: string): string | undefined {
  return texts.get(uri)
}

/** How a library file is imported: `std/NAME`. Undefined for any other URI. */
export function libraryImportOf(uri: string): string | undefined {
  return libraryImports.find(path => uri === libraryUri(path.slice('std/'.length)))
}

/** Whether a URI is one of the library, of a file that exists or not. */
export function isLibrary(uri: string): boolean {
  return uri.startsWith(libraryScheme)
}

/** The URI of `std/<path>`. */
export function libraryUri(path: string): string {
  return `${libraryScheme}/${path}.heddle`
}
