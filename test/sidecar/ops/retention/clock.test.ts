import { randomUUID } from 'node:crypto';
import { recordEvents } from '../../../../sidecar/src/db/events.ts';
import { events } from '../../../../sidecar/src/db/schema.ts';
import { watchClock, whyNotByThisClock } from '../../../../sidecar/src/ops/retention/clock.ts';
import { startCleanUp } from '../../../../sidecar/src/ops/retention/schedule.ts';
import { findAsset, insertAssets } from '../../../../sidecar/src/db/assets.ts';
import { createTestPipeline, until, WORKSPACE, type TestPipeline } from '../../../support/pipeline.ts';

const DAY = 86_400_000;

describe('the clock of the clean-up', () => {
	let pipeline: TestPipeline;
	beforeEach(async () => {
		pipeline = await createTestPipeline();
	});
	afterEach(() => pipeline.close());

	const clock = () => {
		const time = { wall: Date.now(), steady: 0 };
		return { time, wall: () => time.wall, steady: () => time.steady };
	};
	const happened = async (days: number): Promise<void> => {
		await recordEvents(pipeline.database.db, [{ workspaceId: WORKSPACE, type: 'job.created' }]);
		await pipeline.database.db.update(events).set({ createdAt: new Date(Date.now() - days * DAY) });
	};

	it('is believed in a new installation, and in one that was in use lately', async () => {
		expect(await (await watchClock(pipeline.database.db))()).toBeNull();
		await happened(20);
		expect(await (await watchClock(pipeline.database.db))()).toBeNull();
	});

	it('is not believed when it is another one than that of the database', async () => {
		expect(await whyNotByThisClock(pipeline.database.db, Date.now() + 365 * DAY)).toMatch(/8760 hours apart/);
		expect(await whyNotByThisClock(pipeline.database.db, Date.now() - 2 * DAY)).toMatch(/48 hours apart/);
	});

	it('is not believed when months have passed since anything happened, as with a database from a backup, also not later on', async () => {
		await happened(40);
		const whyNot = await watchClock(pipeline.database.db);
		await happened(0);
		for (let round = 0; round < 2; round += 1) expect(await whyNot()).toMatch(/nothing had happened here for 40 days/);
	});

	it('is not believed in the round after it was set', async () => {
		const fake = clock();
		const whyNot = await watchClock(pipeline.database.db, fake);
		fake.time.steady += DAY;
		fake.time.wall += 366 * DAY;
		expect(await whyNot()).toMatch(/was set.*8760 hours/);
		fake.time.wall -= 366 * DAY;
		expect(await whyNot()).toMatch(/was set/);
		expect(await whyNot()).toBeNull();
	});

	it.each([[20, false], [40, true]])('decides whether the rounds clean up: %i days after something happened, the asset stays: %s', async (days, stays) => {
		await happened(days);
		const id = randomUUID();
		const old = new Date(Date.now() - 400 * DAY);
		await insertAssets(pipeline.database.db, [{ id, workspaceId: WORKSPACE, source: 'url', status: 'ready', createdAt: old, updatedAt: old }]);
		const said: string[] = [];
		const log = pipeline.deps.log.child({});
		log.error = ((given: { reason?: string }) => void said.push(String(given.reason))) as typeof log.error;
		const loop = startCleanUp({ ...pipeline.deps, log, uploadFolder: pipeline.folder }, 24, 1);
		await until(async () => said.length > 0 || (await findAsset(pipeline.database.db, WORKSPACE, id)) === null, 'a round has passed');
		await loop?.stop();
		expect((await findAsset(pipeline.database.db, WORKSPACE, id)) !== null).toBe(stays);
	});
});
