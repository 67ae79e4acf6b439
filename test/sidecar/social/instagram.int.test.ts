import type { PostMedia } from '../../../sidecar/src/social/platform.ts';
import { publishPost } from '../../../sidecar/src/social/publish.ts';
import { instagramTest } from './instagram/support.ts';
import { upright, type InstagramStage } from './stages/instagram.ts';
import { crashing, dependencies, expireClaims, postOf, type Clock } from './support.ts';

const on = instagramTest();
const { online, publish, request, post } = on;
let stage: InstagramStage;
let clock: Clock;
let video: PostMedia;
let file: PostMedia;
let photo: PostMedia;
const start = async (...given: Parameters<typeof on.start>) => {
	await on.start(...given);
	({ stage, clock, video, file, photo } = on);
};

describe('Instagram with Facebook Login', () => {
	it('makes one post at whichever step of an upload, whatever fails', async () => {
		await start('facebook');
		for (const step of stage.steps) {
			for (const when of ['before', 'after'] as const) {
				stage.emulator.fail(step, { when, answer: 'drop' });
				await post(`${step} ${when}`, [{ ...upright(file), altText: null }]);
			}
		}
		expect(stage.emulator.posts.map(({ text, media }) => [text, media[0]!.sha256])).toEqual(
			stage.steps.flatMap((step) => [
				[`${step} before`, file.sha256],
				[`${step} after`, file.sha256],
			]),
		);
		expect(stage.emulator.publicCalls).toBe(stage.steps.length * 2);
	});

	it('makes one carousel of uploaded and fetched files when the process is killed just before any write', async () => {
		await start('facebook');
		const items = [online(photo), video];
		for (let write = 1, died = true; died; write += 1) {
			const given = request(postOf(`Killed at ${write}`, items));
			const deps = dependencies(on.database, clock);
			const ledger = crashing(deps.ledger, write, 'before');
			await publishPost({ ...deps, ledger }, given).catch(() => {});
			await expireClaims(on.database);
			await publish(given);
			({ died } = ledger);
			expect(stage.emulator.posts.at(-1)).toMatchObject({
				text: `Killed at ${write}`,
				kind: 'CAROUSEL',
				media: [{ sha256: photo.sha256 }, { sha256: file.sha256 }],
			});
			expect([stage.emulator.posts.length, stage.emulator.publicCalls]).toEqual([write, write]);
		}
		expect(stage.emulator.posts.length).toBeGreaterThan(9);
	});
});
