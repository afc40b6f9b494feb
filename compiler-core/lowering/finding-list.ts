/** Findings in the order in which they are met, each once: a statement that is inlined twice is wrong once. */
import type { Finding } from '../ir/finding.ts'
import { sameOrigin } from '../ir/origin.ts'

export interface FindingList {
  readonly add: (finding: Finding) => void
  readonly all: () => readonly Finding[]
}

export function findingList(): FindingList {
  const findings: Finding[] = []
  return {
    add: finding => {
      const { code, origins: [place] } = finding
      if (!place || !findings.some(f => f.code === code && sameOrigin(f.origins[0], place))) findings.push(finding)
    },
    all: () => findings
  }
}
