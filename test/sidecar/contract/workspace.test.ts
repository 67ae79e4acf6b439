import fc from 'fast-check';
import { changeSettings, settingsChangeSchema } from '../../../sidecar/src/contract/workspace-change.ts';
import { settingsOf, workspaceSettingsSchema } from '../../../sidecar/src/contract/workspace.ts';
import { settingsProblems } from '../../../sidecar/src/pipeline/settings-problems.ts';

const none = { configured: false, optional: false };
const change = (stored: Record<string, unknown>, body: unknown) => changeSettings(stored, settingsChangeSchema.parse(body));

describe('settings of a workspace', () => {
	it('are all there when nothing was ever set', () => {
		expect(settingsOf({})).toEqual(workspaceSettingsSchema.parse({}));
		expect(settingsOf(null)).toMatchObject({ originals: 'keep', checks: { audio: 'any', scan: null }, retention: { raw_days: 7 } });
	});

	it('change where they are named, and nowhere else', () => {
		const once = change({}, { checks: { max_width: 1920 }, originals: 'archive' });
		expect(once).toEqual({ checks: { max_width: 1920 }, originals: 'archive' });
		expect(change(once, { checks: { audio: 'required' } })).toEqual({ checks: { max_width: 1920, audio: 'required' }, originals: 'archive' });
	});

	it('go back with null: a section, a field that cannot be null; where null is a value it is that', () => {
		const stored = { checks: { max_width: 1920, decode: true }, retention: { raw_days: 30 }, originals: 'delete' };
		expect(change(stored, { originals: null, checks: { decode: null, max_width: null } })).toEqual({ checks: { max_width: null }, retention: { raw_days: 30 } });
		expect(settingsOf(change(stored, { retention: { raw_days: null } })).retention.raw_days).toBeNull();
		expect(settingsOf(change(stored, { retention: null })).retention.raw_days).toBe(7);
	});

	it.each([
		['an unknown field', { checks: { max_widht: 1 } }],
		['an unknown section', { check: {} }],
		['a wrong value', { originals: 'burn' }],
		['a negative number', { checks: { min_width: -1 } }],
		['a text for a number', { retention: { raw_days: '7' } }],
	])('refuse %s', (_, body) => {
		expect(settingsChangeSchema.safeParse(body).success).toBe(false);
	});

	it('of an earlier version are passed over one by one: what stands beside them still holds', () => {
		const stored = { gone: 1, checks: { old_rule: true, max_width: 640, audio: 'sometimes' }, originals: 'shred', retention: { raw_days: 3 } };
		expect(settingsOf(stored)).toMatchObject({ checks: { max_width: 640, audio: 'any' }, originals: 'keep', retention: { raw_days: 3 } });
	});

	it('are complete and valid whatever is stored', () => {
		fc.assert(
			fc.property(fc.jsonValue(), (stored) => {
				expect(workspaceSettingsSchema.safeParse(settingsOf(stored)).success).toBe(true);
			}),
		);
	});

	it.each([
		[{ checks: { min_duration_seconds: 10, max_duration_seconds: 5 } }, 'checks.min_duration_seconds'],
		[{ checks: { min_width: 10, max_width: 5 } }, 'checks.min_width'],
		[{ checks: { containers: ['video/mp4', 'text/html'] } }, 'checks.containers'],
		[{ checks: { containers: ['mp4'] } }, 'checks.containers'],
		[{ checks: { video_codecs: ['h264; rm -rf'] } }, 'checks.video_codecs'],
		[{ checks: { scan: true } }, 'checks.scan'],
	])('are refused that cannot work: %j', (stored, field) => {
		expect(settingsProblems(settingsOf(stored), none)).toMatchObject([{ field }]);
	});

	it('may switch the scan off only where the operator lets them', () => {
		const off = settingsOf({ checks: { scan: false } });
		expect(settingsProblems(off, { configured: true, optional: false })).toMatchObject([{ field: 'checks.scan' }]);
		expect(settingsProblems(off, { configured: true, optional: true })).toEqual([]);
		expect(settingsProblems(off, none)).toEqual([]);
	});
});
