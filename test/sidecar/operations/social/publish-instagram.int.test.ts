import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startInstagramStage, upright, type InstagramStage } from '../../social/stages/instagram.ts';
import { fakeClock, openTestDatabase, videoOf } from '../../social/support.ts';
import { operate, type World } from './support.ts';

let world: World;
let stage: InstagramStage;
beforeAll(async () => {
	const [folder, clock] = [await mkdtemp(join(tmpdir(), 'instagram-')), fakeClock()];
	// Videos are uploaded with this login: no address is needed.
	stage = await startInstagramStage(clock, 'facebook');
	world = { database: await openTestDatabase(), clock, folder, stages: [stage], media: [upright(await videoOf(folder, 1000))] };
});
afterAll(async () => {
	await stage.close();
	await world.database.close();
	await rm(world.folder, { recursive: true });
});

describe('a video with an alternative text, which Instagram does not have', () => {
	const given = { platform: 'instagram', text: 'Waves', media: [{ file: 'rendition-1.mp4', alt_text: 'Waves on a beach' }] };

	it('goes out without it, and the result says so', async () => {
		expect(await operate(world, 'validate_post', given)).toMatchObject({ ok: true });
		const output = await operate(world, 'publish', given);
		expect(output).toMatchObject({ status: 'published', changes: [expect.stringContaining('alternative text was left out')] });
		expect(stage.emulator.posts).toMatchObject([{ text: 'Waves', media: [{ alt: null }] }]);
	});
});
