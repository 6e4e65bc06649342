// extracted TEXTS.tsv FILE.pdf: what poppler, MuPDF and pdf.js read on a page of
// all languages is what was printed, character by character, in each language
// that runs from left to right (pdf.js as it reads, not as it searches). Where a line ends is each reader's own affair.
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { getDocument } from 'pdfjs-dist/legacy/build/pdf.mjs'

const [texts, file] = process.argv.slice(2)
const plain = (s) => s.normalize('NFC').replace(/[\s\u200b\u00a0]+/g, '')

async function pdfjs() {
  const doc = await getDocument({ data: new Uint8Array(readFileSync(file)), verbosity: 0 }).promise
  let all = ''
  for (let n = 1; n <= doc.numPages; n++) {
    const content = await (await doc.getPage(n)).getTextContent({ disableNormalization: true })
    all += content.items.map((i) => i.str + (i.hasEOL ? '\n' : '')).join('')
  }
  return all
}

const readers = {
  poppler: execFileSync('pdftotext', [file, '-'], { encoding: 'utf8' }),
  MuPDF: execFileSync('mutool', ['draw', '-q', '-F', 'txt', file], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
  'pdf.js': await pdfjs(),
}
let faults = 0, found = 0
for (const [name, raw] of Object.entries(readers)) {
  const read = plain(raw)
  for (const line of readFileSync(texts, 'utf8').split('\n').filter(Boolean)) {
    const [lang, direction, , text] = line.split('\t')
    if (direction !== 'ltr') continue
    const times = read.split(plain(text)).length - 1
    if (times >= 2) { found++; continue } // regular and bold
    faults++
    console.error(`${name}: the text in ${lang} is found ${times} times, want 2`)
  }
}
if (faults > 0) process.exit(1)
console.log(`outside: poppler, MuPDF and pdf.js read ${found} texts as they were printed`)
