/**
 * What the extension and its language server say to each other beyond the Language Server Protocol. Ranges are LSP's.
 *
 * The extension imports this file only; the types of the mapping explorer come through it.
 */
import type { FromPage, PageSettings, Subject, TextPlace, TextRange } from '../../compiler-core/view/explorer.ts'

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
  /** The client has the command `heddle.showCuda` and is offered code lenses that call it. */
  readonly cuda?: boolean
  /** A folder for what can be made anew: compiled engines. Without it the interpreter alone verifies. */
  readonly cacheFolder?: string
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

// ---------------------------------------------------------------- CUDA beside the source

/** Scheme of the documents that hold generated CUDA. */
export const cudaScheme = 'heddle-cuda'

/** The command of the code lenses; its argument: */
export const showCuda = 'heddle.showCuda'
export interface ShowCudaArgument { readonly uri: string; readonly subject: string }

/** What can be shown as CUDA. A schedule is named OPERATOR.SCHEDULE. */
export interface CudaSubject {
  readonly kind: 'instance' | 'schedule' | 'graph'
  readonly name: string
  /** Of the whole declaration. */
  readonly range: TextRange
}

/** Client -> server: the `CudaSubject`s of a file. */
export const cudaSubjects = 'heddle/cudaSubjects'
export interface CudaSubjectsParams { readonly textDocument: { readonly uri: string; readonly version?: number } }
export interface CudaSubjectsAnswer {
  /** The same as long as the file, all that it imports and the target are the same; empty where there is no file. */
  readonly fingerprint: string
  /** In the order of the text. */
  readonly subjects: readonly CudaSubject[]
}

/** One candidate of a space: `index` counts the legal ones of the level. */
export interface Candidate { readonly level: number; readonly index: number }

/** Client -> server: the CUDA of a subject. */
export const cudaOf = 'heddle/cuda'
export interface CudaParams {
  /** With the version that the client shows, so that the answer is not about an older text. */
  readonly textDocument: { readonly uri: string; readonly version?: number }
  readonly subject: string
  /** The default where it is absent. */
  readonly candidate?: Candidate
}
export interface CudaAnswer {
  readonly target: string
  /** Absent where the program cannot be compiled: `problems` say why. */
  readonly cuda?: { readonly text: string; readonly trace: CudaTrace }
  readonly problems: readonly CudaProblem[]
  /** What was chosen, as `block_k` `8`. */
  readonly parameters: readonly Named[]
  readonly facts: readonly Named[]
}
export interface Named { readonly name: string; readonly text: string; readonly documentation?: string }
export interface CudaProblem extends TextPlace {
  readonly severity: 'error' | 'warning' | 'information'
  readonly message: string
}

/**
 * Which text each part of the CUDA was made from. Plain numbers, so that thousands of regions cross quickly and a caret
 * is answered without asking the server.
 */
export interface CudaTrace {
  /** Addresses of files. */
  readonly sources: readonly string[]
  /** Operators, schedules and graphs from which the CUDA came. */
  readonly declarations: readonly CudaDeclaration[]
  /**
   * Ranges of source text, seven numbers each: index of the source, start line and character, end line and character,
   * index of the frame that it was inlined through (a smaller one) or -1, index of the declaration or -1. Text outside
   * of all, a helper's, belongs to the one for which it was used first.
   */
  readonly frames: readonly number[]
  /**
   * Ranges of the CUDA, parents before children and in the order of the text, six numbers each: start line and
   * character, end line and character, index of the parent or -1, index of the declaration or -1.
   */
  readonly regions: readonly number[]
  /** For each region the frames that it was made from, the most telling first. */
  readonly origins: readonly (readonly number[])[]
}
export interface CudaDeclaration extends TextPlace {
  readonly kind: 'operator' | 'schedule' | 'graph'
  readonly name: string
}

/** Client -> server: the candidates of a level of a subject's space. */
export const candidatesOf = 'heddle/candidates'
export interface CandidatesParams {
  readonly textDocument: { readonly uri: string; readonly version?: number }
  readonly subject: string
  readonly level: number
}
export interface CandidatesAnswer {
  /** The levels that differ from each other, 0 among them. */
  readonly levels: readonly number[]
  /** Points of the level before its rules are asked. */
  readonly raw: number
  readonly candidates: ReadonlyArray<{
    readonly parameters: readonly Named[]
    readonly facts: readonly Named[]
    /** Why the target cannot run it, though the schedule allows it. */
    readonly rejected?: string
  }>
}

/**
 * Client -> server: what ptxas says about the kernels of a subject (`CudaParams`). It runs programs of the machine, so
 * nothing is asked in an untrusted workspace.
 */
export const buildFactsOf = 'heddle/buildFacts'
export type BuildFactsAnswer =
  | { readonly kind: 'facts'; readonly toolkit: string; readonly kernels: readonly KernelText[] }
  /** There is no toolkit. */
  | { readonly kind: 'missing'; readonly message: string }
  /** The toolkit does not take the CUDA. */
  | { readonly kind: 'rejected'; readonly message: string }
  | { readonly kind: 'none' }
/** What is said of a kernel, by its name in the CUDA. */
export interface KernelText { readonly name: string; readonly text: string }

/** Server -> client: what CUDA is made from has changed elsewhere than in an open document. */
export const cudaChanged = 'heddle/cudaChanged'

// ---------------------------------------------------------------- verification

/** The command of the code lenses; its argument is that of `showCuda`. */
export const verifyCommand = 'heddle.verify'

/** Client -> server: whether a subject computes what its operator defines. Progress comes as `verifyProgress`. */
export const verifySubject = 'heddle/verify'
export interface VerifyParams extends CudaParams {
  /** Of the client's choice, one for each verification that is under way: names it in its progress. */
  readonly token: number
  /** Whether programs of this machine may run. Without them the interpreter alone decides. */
  readonly programs: boolean
}
export interface VerifyProgress {
  readonly token: number
  readonly message: string
  /** Of all that is to be done, 0 to 1. */
  readonly share: number
}
/** Server -> client. */
export const verifyProgress = 'heddle/verifyProgress'

export interface VerifyAnswer {
  /** `undecided`: nothing was found to be wrong, since nothing could be run to its end. */
  readonly verdict: 'right' | 'wrong' | 'undecided'
  /** As in `CudaSubjectsAnswer`, of the text that was verified. */
  readonly fingerprint: string
  readonly milliseconds: number
  /** A few words: `right, 0.4 s`, `wrong: 1 race`. */
  readonly status: string
  /** What follows the subject's name where it is right; else the first thing that is wrong, or why nothing is known. */
  readonly summary: string
  /** What each engine did, a line each. */
  readonly details: readonly string[]
  /** What is wrong, or why it cannot be verified. */
  readonly problems: readonly VerifyProblem[]
}
/** At the innermost place in a file of the user's, else at the subject's name. */
export interface VerifyProblem extends CudaProblem {
  readonly code: string
  readonly related: ReadonlyArray<TextPlace & { readonly message: string }>
  /** Text that it is about, innermost: also in the library. */
  readonly origin?: TextPlace
  /** Where it is in the CUDA, whose first line is 0. */
  readonly cuda?: TextRange
  /** Of a wrong value. */
  readonly values?: { readonly expected: string; readonly found: string }
}
