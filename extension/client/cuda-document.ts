/**
 * A CUDA document: its address, which says what it shows, and its content, which follows the server's answers.
 *
 *     heddle-cuda:/matmul.heddle/square.cu?{"source":"file:///project/matmul.heddle","subject":"square"}
 */
import * as vscode from 'vscode'
import {
  cudaScheme, type Candidate, type CudaAnswer, type CudaProblem, type ShowCudaArgument,
} from '../server/protocol.ts'
import { outOfDate, reasons, upToDate, type Described } from './cuda-text.ts'
import { fileName } from './places.ts'
import { readTrace, type Trace } from './trace.ts'

/** What an editor shows. */
export interface CudaDocument extends Described {
  readonly uri: vscode.Uri
  /** The file that declares the subject. */
  readonly source: vscode.Uri
  readonly text: string
  /** Lines of it above the CUDA. */
  readonly header: number
  /** The CUDA alone, of the last time when there was any. */
  readonly cuda: string | undefined
  /** Of `text`; absent while `text` is not up to date, when places of the source would be wrong. */
  readonly trace: Trace | undefined
  readonly problems: readonly CudaProblem[]
}

/** What is to be shown: a subject of a file, by default with what its schedule chooses. */
export interface Wanted extends ShowCudaArgument { readonly candidate?: Candidate }

/** The folder of the address tells documents of one name apart in their tabs. */
export function cudaUri({ uri, subject, candidate }: Wanted): vscode.Uri {
  const file = vscode.Uri.parse(uri).path.split('/').at(-1) ?? ''
  const name = candidate === undefined ? subject : `${subject} (level ${candidate.level}, ${candidate.index})`
  const query = JSON.stringify({ source: uri, subject, ...candidate })
  return vscode.Uri.from({ scheme: cudaScheme, path: `/${file}/${name}.cu`, query })
}

/** The query is of this extension's own making. */
export function emptyDocument(uri: vscode.Uri): CudaDocument {
  type Query = { readonly source: string; readonly subject: string } & Partial<Candidate>
  const { source, subject, level, index } = JSON.parse(uri.query) as Query
  const candidate = level === undefined || index === undefined ? undefined : { level, index }
  const nothing = { text: '', header: 0, cuda: undefined, trace: undefined, problems: [] }
  return { uri, source: vscode.Uri.parse(source), subject, candidate, ...nothing }
}

export function wantedOf({ source, subject, candidate }: CudaDocument): Wanted {
  return { uri: source.toString(), subject, ...(candidate && { candidate }) }
}

/** The document after an answer; none when the server is silent. */
export function answered(document: CudaDocument, answer: CudaAnswer | undefined): CudaDocument {
  const problems = answer?.problems ?? []
  if (answer?.cuda !== undefined) {
    const { text, header } = upToDate(document, answer, answer.cuda.text)
    return { ...document, text, header, cuda: answer.cuda.text, problems, trace: readTrace(answer.cuda.trace, header) }
  }
  const text = document.cuda === undefined ? reasons(document, answer, fileName)
    : outOfDate(answer, document.text, fileName)
  return { ...document, text, problems, trace: undefined }
}

/** `matmul.heddle:12:5` in the text of a reason leads there. */
export function problemLinks(document: vscode.TextDocument, problems: readonly CudaProblem[]): vscode.DocumentLink[] {
  const text = document.getText()
  return problems.flatMap(({ uri, range: { start } }) => {
    const place = `${fileName(uri)}:${start.line + 1}:${start.character + 1}`
    const at = text.indexOf(place)
    if (at < 0) return []
    const range = new vscode.Range(document.positionAt(at), document.positionAt(at + place.length))
    const target = vscode.Uri.parse(uri).with({ fragment: `L${start.line + 1},${start.character + 1}` })
    return [new vscode.DocumentLink(range, target)]
  })
}
