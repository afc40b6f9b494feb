/**
 * The text of the library's files and their addresses.
 *
 * Library files are like any other: they have a URI, so that a definition in them can be opened and hovered. Their text
 * is part of the program (imported as text), so that one bundled file is all there is to install.
 *
 *     import "std/prelude"   ->   heddle-std:/prelude.heddle
 */
import builtin from './std/builtin.heddle'
import members from './std/members.heddle'
import prelude from './std/prelude.heddle'

const libraryScheme = 'heddle-std:'

/** Names that every file sees without an import. */
export const builtinUri = libraryUri('builtin')
/** What stands after the dot of a value: `m.workers`, `s.drop(0)`. */
export const membersUri = libraryUri('members')
export const preludeUri = libraryUri('prelude')

const texts: ReadonlyMap<string, string> = new Map([
  [builtinUri, builtin], [membersUri, members], [preludeUri, prelude],
])

/** The paths that `import "std/..."` can name. */
export const libraryImports: readonly string[] = ['std/prelude']

/** The text of a library file; undefined for any other URI. */
export function libraryText(uri: string): string | undefined {
  return texts.get(uri)
}

/** Whether a URI is one of the library, of a file that exists or not. */
export function isLibrary(uri: string): boolean {
  return uri.startsWith(libraryScheme)
}

/** The URI of `std/<path>`. */
export function libraryUri(path: string): string {
  return `${libraryScheme}/${path}.heddle`
}
