// tus.mjs DEMO PROGRAM: brings files to a running demo (its folder, and the
// program) with the stock client of tus, and takes them back.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as tus from 'tus-js-client'

const [dir, program] = process.argv.slice(2)
const demo = JSON.parse(readFileSync(join(dir, 'demo.json')))
const endpoint = demo.url + '/api/portolan/uploads'

function tablet(...args) {
  return execFileSync(program, ['tablet', '--dir', join(dir, demo.tablets[0]), ...args],
    { env: { ...process.env, PORTOLAN_TABLET_PASSPHRASE: demo.tablet_passphrase }, encoding: 'utf8' })
}

// A document of the case that the demo's first worker owns.
function documents(n) {
  const ids = Array.from({ length: n }, () => tablet('new', 'documents', '--case', demo.case_moving,
    'kind=letter', 'status=kept', 'compartment=general').trim())
  try {
    tablet('sync')
  } catch (e) {
    assert.equal(e.status, 4) // the demo has a conflict that waits for a person
  }
  return ids
}

async function signIn() {
  const account = demo.accounts.find((a) => a.login === demo.case_moving_owner)
  const answer = await fetch(demo.url + '/api/collections/accounts/auth-with-password', {
    method: 'POST', headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ identity: account.login, password: account.password }),
  })
  assert.equal(answer.status, 200)
  return (await answer.json()).token
}

const token = await signIn()
const headers = { Authorization: 'Bearer ' + token }

function bring(document, content, options = {}) {
  const said = createHash('sha256').update(options.said ?? content).digest('hex')
  const offsets = []
  let upload
  const done = new Promise((resolve, reject) => {
    upload = new tus.Upload(content, {
      endpoint, headers, metadata: { document, sha256: said, filetype: 'text/plain' }, retryDelays: [0, 0, 0],
      storeFingerprintForResuming: false,
      onAfterResponse: (req, res) => {
        if (req.getMethod() === 'PATCH') offsets.push(res.getHeader('Upload-Offset'))
      },
      ...options.client,
      onSuccess: () => resolve({ url: upload.url, offsets }),
      onError: reject,
      onChunkComplete: (size, sent, all) => {
        if (options.stopAt && sent >= options.stopAt && sent < all) upload.abort().then(() => resolve({ url: upload.url, offsets }), reject)
      },
    })
  })
  upload.start()
  return done
}

async function back(document) {
  const answer = await fetch(demo.url + '/api/portolan/documents/' + document + '/file', { headers })
  return { status: answer.status, bytes: Buffer.from(await answer.arrayBuffer()) }
}

const text = (n) => Buffer.from(randomBytes(n / 2).toString('hex'))
const [plain, atOnce, ended, wrong] = documents(4)

// In pieces, left in the middle, and gone on with from where the hub says.
const content = text(1 << 20)
const half = await bring(plain, content, { client: { chunkSize: 100_000 }, stopAt: 400_000 })
assert.equal((await back(plain)).status, 404, 'half a file is given out')
const rest = await bring(plain, content, { client: { chunkSize: 100_000, uploadUrl: half.url } })
assert.equal(rest.url, half.url)
assert.ok(Number(rest.offsets[0]) >= 500_000, 'it began again: ' + rest.offsets[0])
assert.deepEqual((await back(plain)).bytes, content)

// With its first bytes in the request that begins it.
const small = text(3000)
await bring(atOnce, small, { client: { uploadDataDuringCreation: true } })
assert.deepEqual((await back(atOnce)).bytes, small)

// Ended by the client.
const given = await bring(ended, content, { client: { chunkSize: 100_000 }, stopAt: 100_000 })
await tus.Upload.terminate(given.url, { headers, retryDelays: [] })
const gone = await fetch(given.url, { method: 'HEAD', headers: { ...headers, 'Tus-Resumable': '1.0.0' } })
assert.equal(gone.status, 404)

// Not the file that was announced.
await assert.rejects(bring(wrong, small, { said: 'another' }), (e) => e.originalResponse.getStatus() === 422)
assert.equal((await back(wrong)).status, 404)

console.log('clients: the stock client of tus brings files, goes on, ends them, and is refused')
