// The demo as a visitor meets it: built, served by scripts/serve.mjs under its own policy, in a real browser.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import path from 'node:path';
import { after, before, beforeEach, test } from 'node:test';
import { build } from 'esbuild';
import { Chromium, root } from './support.mjs';

let chromium;
let server;
let origin;
/** What pages complained of: errors, and violations of the policy. */
const problems = [];
/** Hosts that anything was asked of, but for the demo's own. */
const strangers = new Set();

before(async () => {
  server = spawn(process.execPath, [path.join(root, 'scripts/serve.mjs')], {
    env: { ...process.env, PORT: '0' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  for await (const chunk of server.stdout) {
    origin = /http:\/\/127\.0\.0\.1:\d+/.exec(chunk)?.[0];
    if (origin) break;
  }
  chromium = await Chromium.start();
  watchRequests();
});

after(async () => {
  await chromium?.stop();
  server?.kill();
  if (server && server.exitCode === null) await once(server, 'exit');
});

/** Every test starts in a browser that was never here. */
beforeEach(async () => {
  const page = await chromium.open();
  // First the tabs: one that is open may write again what it has in mind.
  for (const other of chromium.context.pages()) if (other !== page) await other.close();
  const session = await chromium.context.newCDPSession(page);
  await session.send('Storage.clearDataForOrigin', { origin, storageTypes: 'all' });
});

function watchRequests() {
  chromium.context.on('request', (request) => {
    const url = new URL(request.url());
    if (!['blob:', 'data:'].includes(url.protocol) && url.origin !== origin)
      strangers.add(url.host);
  });
}

async function open({ width = 1280, height = 800, problems: sink = problems } = {}) {
  const page = await chromium.open(undefined, sink);
  await page.setViewportSize({ width, height });
  await page.goto(`${origin}/`);
  await ready(page);
  return page;
}

const ready = (page) => page.waitForSelector('body[data-state="ready"]');
const reply = (page) => page.getByTestId('message-agent').last();
const memories = (page) => page.getByTestId('memory-item');

/** Says `text`; resolves once it was answered and what is to be kept is kept. */
async function say(page, text) {
  const kept = page.locator('[data-testid="memory-saved"], [data-testid="not-saved"]');
  const before = await kept.count();
  await page.getByTestId('chat-input').fill(text);
  await page.getByTestId('chat-input').press('Enter');
  await kept.nth(before).waitFor();
}

/** Waits until `locator` is there `count` times. */
async function countIs(locator, count) {
  const deadline = Date.now() + 5_000;
  while ((await locator.count()) !== count && Date.now() < deadline) await pause(20);
  assert.equal(await locator.count(), count);
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A module of the demo that needs no browser. */
async function load(name) {
  const entry = path.join(root, 'demo', name);
  const bundled = await build({ entryPoints: [entry], bundle: true, write: false, format: 'esm' });
  return import(`data:text/javascript,${encodeURIComponent(bundled.outputFiles[0].text)}`);
}

test('what is told is told apart from what is asked', async () => {
  const { kindOf } = await load('utterance.ts');
  const kinds = {
    question: [
      'where does my sister live',
      'Is Mia allergic to cats',
      'what kind of tea do I like',
      'what’s my name',
      'How many dogs does Mia have',
      'tell me about my dog',
      'Trinke ich gern Tee?',
    ],
    statement: [
      'I like tea',
      'When I was young I lived in Rome',
      'Where I live it rains',
      'What a day',
      'Remind me to buy milk',
      'Will is my brother',
      'I moved to Ghent. Do you know it?',
    ],
    overview: ['What do you know about me?', 'what did I tell you', 'Who am I?'],
    thanks: ['thank you so much!', 'ok'],
    greeting: ['Hi there!', 'good morning'],
    forget: ['forget that', 'please delete my tea'],
    'about-agent': ['who are you?', 'are you an AI'],
  };
  for (const [kind, texts] of Object.entries(kinds)) {
    for (const text of texts) assert.equal(kindOf(text), kind, text);
  }
});

test('the scripted agent says what it was told, and when, and nothing else', async () => {
  const { scriptedReply } = await load('agent-scripted.ts');
  const memory = (text, createdAt, score) => ({
    memory: text,
    createdAt,
    score,
    metadata: {},
    id: text,
  });
  const memories = [
    memory('My sister lives in Lisbon', '2026-03-03T12:00:00Z', 0.5),
    memory('Mia, my sister, has two dogs', '2025-11-20T12:00:00Z', 0.4),
    memory('My brother lives in Ghent', '2026-11-21T12:00:00Z', 0.1),
  ];
  const now = new Date('2026-11-22T12:00:00Z');
  const say = (text, known = memories) => scriptedReply(text, known, [], now);
  assert.equal(
    say('Where does my sister live?'),
    'You told me on 3 March: “My sister lives in Lisbon”\nAnd on 20 November 2025: “Mia, my sister, has two dogs”',
  );
  assert.match(
    say('What do you know about me?'),
    /^The latest[^]*Lisbon[^]*dogs[^]*Ghent” \(yesterday\)$/,
  );
  assert.match(say('my sister lives in Lisbon!'), /you told me on 3 March/);
  assert.match(say('Where does my sister live?', []), /do not remember|Nothing I remember/);
  assert.match(say('My sister moved.'), /It goes with what you told me on 3 March/);
  assert.equal(say('I like tea', []), say('I like tea', []));
});

test('the agent says that it remembers nothing, and that it is no language model', async () => {
  const page = await open();
  assert.match(await page.getByTestId('agent-note').textContent(), /not a language model/);
  assert.match(await page.getByTestId('privacy').textContent(), /Everything stays in this browser/);
  await say(page, 'What is my favourite tea?');
  assert.match(await reply(page).textContent(), /do not remember|Nothing I remember/);
  await countIs(memories(page), 0);
});

test('what was told is remembered and used after a reload', async () => {
  const page = await open();
  await say(page, 'My favourite tea is sencha');
  await page.getByText('Memory saved').waitFor();
  await countIs(memories(page), 1);

  await page.reload();
  await ready(page);
  assert.match(
    await page.getByTestId('greeting').textContent(),
    /Welcome back, Ada\. I remember one thing.*My favourite tea is sencha/,
  );
  await say(page, 'Which tea do I like?');
  assert.match(await reply(page).textContent(), /You told me today: “My favourite tea is sencha”/);
  assert.match(await page.getByTestId('used').textContent(), /Remembered one thing/);
  await page.getByTestId('used').locator('summary').click();
  assert.match(await page.getByTestId('used').getByTestId('memory-why').textContent(), /tea/);
  await page.getByTestId('used-badge').waitFor();
});

test('what was told outlives a browser that was killed, and one that was closed', async () => {
  await say(await open(), 'My favourite tea is sencha');
  for (const crash of [true, false]) {
    await chromium.restart({ crash });
    watchRequests();
    const page = await open();
    await countIs(memories(page), 1);
    await say(page, 'Which tea do I like?');
    assert.match(await reply(page).textContent(), /sencha/);
  }
});

test('questions and thanks are not kept; what is told twice is kept once', async () => {
  const page = await open();
  await say(page, 'I am allergic to peanuts');
  await say(page, 'What am I allergic to?');
  await say(page, 'thanks!');
  await say(page, 'I am allergic to peanuts');
  assert.match(await reply(page).textContent(), /you told me today/);
  await page.getByText('Already remembered').waitFor();
  await countIs(memories(page), 1);
});

test('a user sees nothing of another', async () => {
  const page = await open();
  await say(page, 'My favourite tea is sencha');
  await page.getByTestId('memory-search').fill('sencha');
  await page.getByTestId('user-select').selectOption('ben');
  await page.getByTestId('greeting').getByText('Hello Ben').waitFor();
  await countIs(memories(page), 0);
  await say(page, 'Which tea do I like?');
  assert.match(await reply(page).textContent(), /do not remember|Nothing I remember/);
  await page.getByTestId('memory-search').fill('tea');
  await page.getByText('Nothing found among 0').waitFor();
  assert.doesNotMatch(await page.locator('body').innerText(), /sencha/);

  await page.getByTestId('add-user').click();
  await page.getByTestId('user-name').fill('Chloé');
  await page.getByTestId('user-save').click();
  await page.getByTestId('greeting').getByText('Hello Chloé').waitFor();
  await say(page, 'I play the sencha drum');
  await countIs(memories(page), 1);

  await page.getByTestId('user-select').selectOption('ada');
  await countIs(memories(page), 1);
  assert.match(await memories(page).textContent(), /favourite tea is sencha/);
  assert.equal(await page.getByTestId('message-user').count(), 1, 'Ada’s chat is hers');
});

test('a memory can be deleted, put back and changed', async () => {
  const page = await open();
  await say(page, 'My favourite tea is sencha');
  await say(page, 'I walk to the office');
  await countIs(memories(page), 2);

  await memories(page).filter({ hasText: 'sencha' }).getByTestId('delete-memory').click();
  await countIs(memories(page), 1);
  await page.getByTestId('toast').getByText('Memory deleted').waitFor();
  assert.ok(
    await page.evaluate(
      () => document.activeElement?.closest('[data-testid="memory-item"]') !== null,
    ),
    'the focus went to a neighbour',
  );
  await say(page, 'Which tea do I like?');
  assert.doesNotMatch(await reply(page).textContent(), /sencha/);

  await page.getByTestId('toast-action').click();
  await countIs(memories(page), 2);
  await memories(page).filter({ hasText: 'sencha' }).getByTestId('edit-memory').click();
  await page.getByTestId('edit-text').fill('My favourite tea is oolong');
  await page.getByTestId('edit-save').click();
  await memories(page).filter({ hasText: 'oolong' }).waitFor();
  await say(page, 'Which tea do I like?');
  assert.match(await reply(page).textContent(), /oolong/);
});

test('what was deleted can be told again', async () => {
  const page = await open();
  await say(page, 'My favourite tea is sencha');
  await page.getByTestId('delete-memory').click();
  await countIs(memories(page), 0);
  await say(page, 'My favourite tea is sencha');
  await countIs(memories(page), 1);
});

test('a search shows the score and why, by each strategy', async () => {
  const page = await open();
  await say(page, 'My favourite tea is sencha');
  await say(page, 'My sister Mia lives in Lisbon');
  await page.getByTestId('memory-search').fill('where does my sister live');
  await page.getByTestId('result-note').getByText('1 found of 2 in').waitFor();
  assert.match(await page.getByTestId('memory-score').textContent(), /^[01]\.\d\d$/);
  assert.match(
    await page.getByTestId('memory-why').textContent(),
    /^matched .*sister.* · keyword \d\.\d\d · recency \d\.\d\d/,
  );
  assert.equal(await memories(page).locator('mark').first().textContent(), 'sister');

  await page.getByTestId('strategy').selectOption('recency');
  await page.getByTestId('result-note').getByText('2 found').waitFor();
  await page.getByTestId('strategy').selectOption('hybrid');
  await page.getByTestId('result-note').getByText('1 found').waitFor();
  await page.getByTestId('memory-search').fill('submarine');
  await page.getByTestId('result-note').getByText('Nothing found among 2').waitFor();
});

test('an export brings everything back after delete all', async () => {
  const page = await open();
  await say(page, 'My favourite tea is sencha');
  await say(page, 'I walk to the office');
  await countIs(memories(page), 2);
  const before = await memories(page).allInnerTexts();

  const download = page.waitForEvent('download');
  await page.getByTestId('export').click();
  const file = await download;
  assert.match(file.suggestedFilename(), /^memories-Ada-\d{4}-\d\d-\d\d\.jsonl$/);
  const exported = await readFile(await file.path());

  await page.getByTestId('delete-all').click();
  assert.match(await page.getByTestId('delete-dialog').innerText(), /2 memories of Ada/);
  await page.getByTestId('confirm-delete-all').click();
  await countIs(memories(page), 0);

  const choose = () =>
    page
      .getByTestId('import-file')
      .setInputFiles({ name: 'memories.jsonl', mimeType: 'text/plain', buffer: exported });
  await choose();
  await page.getByTestId('import-progress').getByText('2 memories added, 0 skipped').waitFor();
  await countIs(memories(page), 2);
  assert.deepEqual(await memories(page).allInnerTexts(), before);
  await choose();
  await page.getByTestId('import-progress').getByText('0 memories added, 2 skipped').waitFor();

  await page
    .getByTestId('import-file')
    .setInputFiles({ name: 'x.jsonl', mimeType: 'text/plain', buffer: Buffer.from('nonsense') });
  await page
    .getByTestId('import-progress')
    .getByText('Nothing was imported: json line 1')
    .waitFor();
  await countIs(memories(page), 2);
});

test('a long import shows its progress, and 5,000 notes are searched at once', async () => {
  const page = await open();
  await page.evaluate(() => {
    globalThis.seen = [];
    const progress = document.querySelector('[data-testid="import-progress"]');
    new MutationObserver(() => globalThis.seen.push(progress.textContent.trim())).observe(
      progress,
      {
        subtree: true,
        childList: true,
        characterData: true,
      },
    );
  });
  await page.getByTestId('sample-notes').click();
  await page.getByTestId('import-progress').getByText('5,000 memories added, 0 skipped').waitFor();
  const steps = (await page.evaluate(() => globalThis.seen)).filter((text) =>
    text.includes(' of 5,000'),
  );
  assert.ok(steps.length > 3, `progress was shown ${steps.length} times`);

  await page.getByTestId('memory-count').getByText('5,000').waitFor();
  await countIs(memories(page), 50);
  await page.getByTestId('show-more').click();
  await countIs(memories(page), 100);
  await page.getByTestId('memory-search').fill('Priya lighthouses in Lisbon');
  await page
    .getByTestId('result-note')
    .getByText(/of 5,000 in \d/)
    .waitFor();
  await page.getByTestId('sample-notes').click();
  await page.getByTestId('import-progress').getByText('0 memories added, 5,000 skipped').waitFor();
});

test('what another tab does appears here', async () => {
  const [here, there] = [await open(), await open()];
  await say(there, 'My favourite tea is sencha');
  await countIs(memories(here), 1);
  await there.getByTestId('delete-memory').click();
  await countIs(memories(here), 0);
});

for (const [width, height] of [
  [320, 568],
  [390, 844],
  [844, 390],
  [1280, 800],
]) {
  test(`nothing is cut off or scrolls sideways at ${width} by ${height}`, async () => {
    const page = await open({ width, height });
    const fits = async (where) => {
      const [scroll, inner] = await page.evaluate(() => [
        document.documentElement.scrollWidth,
        innerWidth,
      ]);
      assert.ok(scroll <= inner, `${where}: ${scroll} px wide`);
      const outside = await page.evaluate(() =>
        [
          ...document.querySelectorAll(
            'button, select, input:not([type=file]), textarea, p, h1, h2, li',
          ),
        ]
          .filter((element) => element.checkVisibility())
          .map((element) => [element.id || element.className, element.getBoundingClientRect()])
          .filter(([, box]) => box.width > 2 && (box.left < -0.5 || box.right > innerWidth + 0.5))
          .map(([name]) => name),
      );
      assert.deepEqual(outside, [], where);
    };
    await fits('the greeting');
    await say(
      page,
      `My favourite word is ${'Donaudampfschifffahrts'.repeat(6)} and I like https://example.org/${'a/'.repeat(60)}`,
    );
    await say(page, 'What is my favourite word?');
    await page.getByTestId('used').locator('summary').click();
    await fits('the chat');
    if (width < 880) await page.getByTestId('view-memories').click();
    await page.getByTestId('memory-search').fill('favourite word');
    await memories(page).getByTestId('memory-score').first().waitFor();
    await fits('the memories');
    await page.getByTestId('settings').click();
    await page.getByTestId('agent-endpoint').click();
    await fits('the settings');
    await page.keyboard.press('Escape');
  });
}

test('on a phone, "Memory saved" leads to the memory', async () => {
  const page = await open({ width: 390, height: 844 });
  await say(page, 'My favourite tea is sencha');
  assert.equal(await memories(page).isVisible(), false);
  await page.getByTestId('memory-saved').click();
  await memories(page).waitFor({ state: 'visible' });
  assert.equal(await page.evaluate(() => document.activeElement?.dataset.testid), 'memory-item');
});

test('what is told is shown as text, never as HTML', async () => {
  const page = await open();
  await say(page, 'My <img src=x onerror=alert(1)> is <b>bold</b>');
  await say(page, 'What is bold?');
  assert.match(await reply(page).textContent(), /<b>bold<\/b>/);
  assert.equal(await page.locator('.log img, .log .bubble b, .memory-list img').count(), 0);
});

test('an OpenAI-compatible endpoint gets the memories; its key is kept nowhere', async () => {
  const key = 'sk-demo-0123456789';
  const page = await open();
  await say(page, 'My favourite tea is sencha');
  const endpoint = await startEndpoint();
  try {
    await useEndpoint(page, endpoint.baseUrl, key);
    await say(page, 'Which tea do I like?');
    assert.equal(await reply(page).textContent(), 'It is sencha.');
    const [request] = endpoint.requests;
    assert.equal(request.authorization, `Bearer ${key}`);
    assert.equal(request.body.model, 'tiny');
    assert.equal(request.body.messages[0].role, 'system');
    assert.match(
      request.body.messages[0].content,
      /recalled-memories[^]*My favourite tea is sencha/,
    );
    assert.deepEqual(request.body.messages.at(-1), {
      role: 'user',
      content: 'Which tea do I like?',
    });
    assert.doesNotMatch(request.body.messages.map(({ content }) => content).join(), /Hello Ada/);

    await say(page, 'I also like rooibos');
    await countIs(memories(page), 2);
    assert.doesNotMatch(await stored(page), new RegExp(key), 'the key is in a store');
    assert.match(await stored(page), /agent-memory-demo/, 'the stores were looked at');
    await page.reload();
    await ready(page);
    assert.equal(await page.getByTestId('api-key').inputValue(), '');
    assert.match(await page.getByTestId('agent-note').textContent(), /scripted/);
  } finally {
    await endpoint.close();
    strangers.delete(new URL(endpoint.baseUrl).host);
  }
});

test('an endpoint that fails is told of without the key, and one that hangs can be stopped', async () => {
  const key = 'sk-demo-0123456789';
  const page = await open({ problems: [] }); // the browser itself notes the failed request
  const endpoint = await startEndpoint();
  try {
    await useEndpoint(page, endpoint.baseUrl, key);
    endpoint.behave = 'refuse';
    await say(page, 'I like rooibos');
    const error = await page.getByTestId('chat-error').textContent();
    assert.match(error, /401: wrong key/);
    assert.doesNotMatch(await page.locator('body').innerText(), new RegExp(key));
    await countIs(memories(page), 1);

    endpoint.behave = 'hang';
    await page.getByTestId('chat-input').fill('Are you there?');
    await page.getByTestId('send').click();
    await reply(page).getByText('It is').waitFor();
    await page.getByTestId('stop').click();
    await page.getByText('Stopped.').waitFor();

    await endpoint.close();
    await say(page, 'I like mint');
    await page.getByText('could not be reached').waitFor();
  } finally {
    await endpoint.close();
    strangers.delete(new URL(endpoint.baseUrl).host);
  }
});

test('the page opens without a network', async () => {
  const page = await open({ problems: [] });
  await say(page, 'My favourite tea is sencha');
  await page.evaluate(async () => {
    await navigator.serviceWorker.ready;
    const cache = await caches.open('agent-memory-demo');
    while ((await cache.keys()).length < 4) await new Promise((resolve) => setTimeout(resolve, 20));
  });
  await chromium.context.setOffline(true);
  try {
    await page.reload();
    await ready(page);
    await say(page, 'Which tea do I like?');
    assert.match(await reply(page).textContent(), /sencha/);
  } finally {
    await chromium.context.setOffline(false);
  }
});

test('where the memory cannot start, the page says so', async () => {
  const page = await chromium.open();
  await page.route('**/*.wasm', (route) => route.abort());
  await page.goto(`${origin}/`);
  await page.getByTestId('failure').getByText('The memory could not be started').waitFor();
});

test('in all of this, no page complained, no policy was violated, and nothing left this machine', () => {
  assert.deepEqual(problems, []);
  assert.deepEqual([...strangers], []);
});

async function useEndpoint(page, baseUrl, key) {
  await page.getByTestId('settings').click();
  await page.getByTestId('agent-endpoint').click();
  await page.getByTestId('base-url').fill(baseUrl);
  await page.getByTestId('model').fill('tiny');
  await page.getByTestId('api-key').fill(key);
  await page.getByTestId('settings-save').click();
  await page.getByTestId('agent-note').getByText('tiny at 127.0.0.1').waitFor();
}

/** An endpoint that streams "It is sencha.", or does what `behave` says. */
async function startEndpoint() {
  const endpoint = { requests: [], behave: 'answer' };
  const http = createServer(async (request, response) => {
    const cors = { 'access-control-allow-origin': '*', 'access-control-allow-headers': '*' };
    if (request.method === 'OPTIONS') return response.writeHead(204, cors).end();
    const { authorization } = request.headers;
    const body = JSON.parse(Buffer.concat(await request.toArray()).toString());
    endpoint.requests.push({ authorization, body });
    if (endpoint.behave === 'refuse') {
      response.writeHead(401, { ...cors, 'content-type': 'application/json' });
      return response.end(JSON.stringify({ error: { message: `wrong key: ${authorization}` } }));
    }
    response.writeHead(200, { ...cors, 'content-type': 'text/event-stream' });
    for (const content of ['It ', 'is ', 'sencha.']) {
      response.write(`data: ${JSON.stringify({ choices: [{ delta: { content } }] })}\n\n`);
      if (endpoint.behave === 'hang' && content === 'is ') return;
      await pause(5);
    }
    response.end('data: [DONE]\n\n');
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  endpoint.baseUrl = `http://127.0.0.1:${http.address().port}/v1`;
  endpoint.close = async () => {
    http.closeAllConnections();
    await new Promise((resolve) => http.close(resolve));
  };
  return endpoint;
}

/** Everything that the page's origin has stored, as one text. */
function stored(page) {
  return page.evaluate(async () => {
    const bytesToText = (value) => {
      if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
        return new TextDecoder('latin1').decode(value);
      }
      return JSON.stringify(value, (_, part) =>
        ArrayBuffer.isView(part) ? bytesToText(part) : part,
      );
    };
    const found = [
      JSON.stringify({ ...localStorage }),
      JSON.stringify({ ...sessionStorage }),
      document.cookie,
    ];
    for (const { name } of await indexedDB.databases()) {
      found.push(name);
      const database = await new Promise((resolve, reject) => {
        const request = indexedDB.open(name);
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
      for (const store of database.objectStoreNames) {
        const all = database.transaction(store).objectStore(store);
        for (const request of [all.getAll(), all.getAllKeys()]) {
          const values = await new Promise(
            (resolve) => (request.onsuccess = () => resolve(request.result)),
          );
          found.push(...values.map(bytesToText));
        }
      }
      database.close();
    }
    for (const name of await caches.keys()) {
      for (const { url } of await (await caches.open(name)).keys()) found.push(url);
    }
    return found.join('\n');
  });
}
