/**
 * What the extension and its language server say to each other beyond the Language Server Protocol. Ranges are LSP's.
 *
 * The extension imports this file only; the types of the mapping explorer come through it.
 */
import type { FromPage, PageSettings, Subject } from '../../compiler-core/view/explorer.ts'

export type { FactorText, FromPage, PageSettings, Subject, TextPlace, TextRange, ToPage } from '../../compiler-core/view/explorer.ts'

/** A message of the page as what it claims to be, or why it is none. */
export type PageReader = (data: unknown) => FromPage | { readonly type: 'unknown', readonly problem: string }

/** The schemas are loaded with the first page: they are no part of the extension's start. */
export async function pageReader(): Promise<PageReader> {
  const { fromPage } = await import('../../compiler-core/view/explorer.ts')
  return data => {
    const checked = fromPage.safeParse(data)
    return checked.success ? checked.data : { type: 'unknown', problem: checked.error.message }
  }
}

export interface Position { readonly line: number; readonly character: number }

/** `initializationOptions` of the server. */
export interface ServerOptions {
  /** The client has the command `heddle.showTaskMapping` and is offered code lenses that call it. */
  readonly explorer?: boolean
  /** The client answers `readFile` and `findFiles`, for folders that are not on this machine's disk. */
  readonly files?: boolean
}

/** Client -> server: the mapping or the layout at a place, to be drawn. */
export const subjectAt = 'heddle/subjectAt'
export interface SubjectAtParams {
  /** With the version that the position belongs to, so that the answer is not about an older text. */
  readonly textDocument: { readonly uri: string; readonly version?: number }
  readonly position: Position
  /** What was drawn last; where nothing stands at the position, it is answered anew under the same name. */
  readonly last?: { readonly uri: string; readonly title: string }
}
export type SubjectAnswer =
  | { readonly kind: 'subject'; readonly subject: Subject; readonly settings: PageSettings
    /** The factors in whose text the position lies. */
    readonly factors: readonly number[] }
  | { readonly kind: 'none'; readonly reason: string }

/** Client -> server: the text of a `heddle-std:` document, or null. */
export const libraryText = 'heddle/libraryText'
export interface LibraryTextParams { readonly uri: string }

/** Server -> client: the text of a file, or null where it cannot be read. */
export const readFile = 'heddle/readFile'
export interface ReadFileParams { readonly uri: string }

/** Server -> client: the addresses of all `.heddle` files of the workspace. */
export const findFiles = 'heddle/findFiles'

/** Server -> client: what the settings under `heddle` hold. */
export interface ServerSettings {
  readonly target: string
  readonly codeLens: boolean
  readonly inlayHints: { readonly workers: boolean; readonly shapes: boolean }
}
/** As in package.json; for clients without a configuration. */
export const defaultSettings: ServerSettings = {
  target: 'sm_80', codeLens: true, inlayHints: { workers: true, shapes: true },
}

/** The command of the code lenses; its argument: */
export const showTaskMapping = 'heddle.showTaskMapping'
export interface ShowTaskMappingArgument { readonly uri: string; readonly position: Position }

/** Scheme of the documents that hold the library. */
export const libraryScheme = 'heddle-std'
