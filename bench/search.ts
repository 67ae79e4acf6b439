/**
 * How well search finds the same in other words, and how fast it is.
 *
 * Quality: 200 short texts, 100 pairs that say the same in other words (bench/search-pairs.json). Each is asked for, and
 * its pair should be among the first five of the 199 others: by words alone, by meaning alone, and by both, as the search does.
 * Speed: 100,000 vectors of 512 numbers in one workspace; 200 queries each, on the embedded database and on Postgres.
 * Usage: npm run bench:search [-- --vectors 100000] [-- --only quality|pglite|postgres]
 */
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { sql } from 'drizzle-orm';
import { enginesFolder } from '../scripts/lib/engines-install.mjs';
import { createEngines } from '../sidecar/src/ai/local/engines.ts';
import { createLocalTextVectors } from '../sidecar/src/ai/local/text-vectors.ts';
import type { OpenDatabase } from '../sidecar/src/db/database.ts';
import { openPglite, openPostgres } from '../sidecar/src/db/open.ts';
import { assets } from '../sidecar/src/db/schema.ts';
import { matching, nearest, replaceEntries, type Hit, type SearchScope } from '../sidecar/src/db/search.ts';
import { parseQuery } from '../sidecar/src/db/search-query.ts';
import { ensureIndex } from '../sidecar/src/db/search-vectors.ts';
import { createWorkspace } from '../sidecar/src/db/workspaces.ts';
import { fuse, type Ranking } from '../sidecar/src/operations/ai/fuse.ts';
import { findPostgresWithVector, startPostgresWithVector } from '../test/support/postgres-vector.ts';

const { values: options } = parseArgs({ options: { vectors: { type: 'string', default: '100000' }, only: { type: 'string' } } });
const VECTORS = Number(options.vectors);
const DIMENSIONS = 512;
const SPACE = 'bench:random:512';
const WORKSPACE = 'bench';
const QUERIES = 200;
const BAR_RECALL = 0.9;

interface Pair {
	text: string;
	same: string;
}

async function quality(): Promise<void> {
	const pairs = JSON.parse(await readFile(new URL('./search-pairs.json', import.meta.url), 'utf8')) as Pair[];
	const texts = pairs.flatMap(({ text, same }) => [text, same]);
	const embedder = createLocalTextVectors(createEngines(await enginesFolder()));
	const obstacle = embedder.obstacle();
	if (obstacle) throw new Error(obstacle);
	const { vectors } = await embedder.embed(texts, { signal: new AbortController().signal });
	const database = await openPglite('memory://');
	await createWorkspace(database.db, WORKSPACE, `key-${randomUUID()}`);
	const ids = texts.map(() => randomUUID());
	await database.db.insert(assets).values(ids.map((id) => ({ id, workspaceId: WORKSPACE, source: 'upload', status: 'ready' as const })));
	await ensureIndex(database.db, embedder.space, embedder.dimensions);
	for (const [index, text] of texts.entries()) {
		const entry = { kind: 'transcript' as const, startSeconds: 0, endSeconds: 1, text, language: 'en', vectors: [{ space: embedder.space, values: vectors[index] ?? [] }] };
		await replaceEntries(database.db, { id: ids[index] ?? '', workspaceId: WORKSPACE }, [entry]);
	}
	const found = { words: 0, meaning: 0, both: 0 };
	const strangers: number[] = [];
	const partners: number[] = [];
	for (const [index, text] of texts.entries()) {
		const scope: SearchScope = { workspaceId: WORKSPACE, except: ids[index] };
		const pair = ids[index ^ 1];
		const words: Ranking = { method: 'words', hits: await matching(database.db, scope, parseQuery(`${text} `), 200) };
		const meaning: Ranking = { method: 'meaning', hits: await nearest(database.db, scope, { space: embedder.space, values: vectors[index] ?? [] }, 200) };
		for (const [name, rankings] of [['words', [words]], ['meaning', [meaning]], ['both', [words, meaning]]] as const)
			if (fuse(rankings).slice(0, 5).some(({ assetId }) => assetId === pair)) found[name] += 1;
		for (const { assetId, score } of meaning.hits) (assetId === pair ? partners : strangers).push(score);
	}
	await database.close();
	const share = (count: number): string => (count / texts.length).toFixed(3);
	console.log(`recall@5 of ${texts.length} texts: words ${share(found.words)}, meaning ${share(found.meaning)}, both ${share(found.both)} (bar for both: ${BAR_RECALL})`);
	console.log(`cosines of pairs: 5 % are below ${percentile(partners, 0.05).toFixed(2)}, half below ${percentile(partners, 0.5).toFixed(2)}; of others: half below ${percentile(strangers, 0.5).toFixed(2)}, 95 % below ${percentile(strangers, 0.95).toFixed(2)}`);
}

/** The same numbers in every run (mulberry32). */
function random(seed: number): () => number {
	let state = seed;
	return () => {
		state = (state + 0x6d2b79f5) | 0;
		let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
		mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
		return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
	};
}

const next = random(1);
const bell = (): number => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());
const unit = (values: number[]): number[] => {
	const length = Math.hypot(...values);
	return values.map((value) => value / length);
};
/** Vectors of real texts lie in clusters; evenly spread ones have no neighbours that are nearer than others. */
const topics = Array.from({ length: 500 }, () => unit(Array.from({ length: DIMENSIONS }, bell)));
const like = (topic: readonly number[]): number[] => unit(topic.map((value) => value + (0.8 * bell()) / Math.sqrt(DIMENSIONS)));
const anyTopic = (): readonly number[] => topics[Math.floor(next() * topics.length)] ?? [];

async function speed(name: string, database: OpenDatabase): Promise<void> {
	await createWorkspace(database.db, WORKSPACE, `key-${randomUUID()}`);
	const asset = randomUUID();
	await database.db.insert(assets).values({ id: asset, workspaceId: WORKSPACE, source: 'upload', status: 'ready' });
	const started = performance.now();
	for (let from = 0; from < VECTORS; from += 1000) {
		const rows = Array.from({ length: Math.min(1000, VECTORS - from) }, () => ({ id: randomUUID(), values: `{${like(anyTopic()).map((value) => value.toFixed(6)).join(',')}}` }));
		const ids = sql`${`{${rows.map(({ id }) => id).join(',')}}`}::uuid[]`;
		await database.db.execute(sql`insert into search_entries (id, workspace_id, asset_id, kind, text) select id, ${WORKSPACE}, ${asset}, 'transcript', 'about ' || id from unnest(${ids}) id`);
		const vectors = sql`${JSON.stringify(rows)}::jsonb`;
		await database.db.execute(sql`insert into search_vectors (entry_id, space, workspace_id, "values") select (row ->> 'id')::uuid, ${SPACE}, ${WORKSPACE}, (row ->> 'values')::real[] from jsonb_array_elements(${vectors}) row`);
	}
	const filled = performance.now();
	await ensureIndex(database.db, SPACE, DIMENSIONS);
	const built = performance.now();
	await database.db.execute(sql.raw('analyze'));
	console.log(`${name}: ${VECTORS} vectors stored in ${((filled - started) / 1000).toFixed(0)} s, index built in ${((built - filled) / 1000).toFixed(0)} s`);
	const scope: SearchScope = { workspaceId: WORKSPACE };
	const times: number[] = [];
	let right = 0;
	let wanted = 0;
	for (let query = -5; query < QUERIES; query += 1) {
		const vector = { space: SPACE, values: like(anyTopic()) };
		const begin = performance.now();
		const hits: Hit[] = await nearest(database.db, scope, vector, 10);
		if (query >= 0) times.push(performance.now() - begin);
		// Compared with all of them, for a few.
		if (query < 0 || query >= 5) continue;
		const exact = new Set((await nearest(database.db, scope, vector, 10, { exactMost: VECTORS })).map(({ entryId }) => entryId));
		right += hits.filter(({ entryId }) => exact.has(entryId)).length;
		wanted += exact.size;
	}
	console.log(`${name}: query p50 ${percentile(times, 0.5).toFixed(1)} ms, p95 ${percentile(times, 0.95).toFixed(1)} ms; ${((100 * right) / wanted).toFixed(0)} % of the true ten nearest`);
}

function percentile(values: readonly number[], share: number): number {
	const sorted = [...values].sort((a, b) => a - b);
	return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
}

const wants = (name: string): boolean => options.only === undefined || options.only === name;

if (wants('quality')) await quality();
if (wants('pglite')) {
	const folder = await mkdtemp(join(tmpdir(), 'bench-search-'));
	const database = await openPglite(join(folder, 'database'));
	await speed('embedded', database);
	await database.close();
	await rm(folder, { recursive: true, force: true });
}
if (wants('postgres')) {
	const postgres = await findPostgresWithVector();
	if ('missing' in postgres) console.log(`postgres: not measured, ${postgres.missing}`);
	else {
		const server = await startPostgresWithVector(postgres.bin);
		const database = await openPostgres({ url: server.url });
		await speed('postgres', database);
		await database.close();
		await server.stop();
	}
}
