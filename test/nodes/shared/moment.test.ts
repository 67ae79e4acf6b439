import { toMoment } from '../../../nodes/shared/moment';

describe('a point in time', () => {
	it.each([
		['2026-01-31T12:00:00', 'Europe/Berlin', '2026-01-31T11:00:00.000Z'],
		['2026-07-31T12:00:00', 'Europe/Berlin', '2026-07-31T10:00:00.000Z'],
		['2026-07-31 12:00', 'America/New_York', '2026-07-31T16:00:00.000Z'],
		['2026-07-31T00:30:00.250', 'Asia/Kolkata', '2026-07-30T19:00:00.250Z'],
		// On both sides of a change of the clocks: 2:00 becomes 3:00 on 29 March.
		['2026-03-29T01:30:00', 'Europe/Berlin', '2026-03-29T00:30:00.000Z'],
		['2026-03-29T03:30:00', 'Europe/Berlin', '2026-03-29T01:30:00.000Z'],
		['2026-10-25T04:30:00', 'Europe/Berlin', '2026-10-25T03:30:00.000Z'],
	])('%s without a zone is that of the workflow, %s', (text, zone, wanted) => {
		expect(toMoment(text, () => zone)).toBe(wanted);
	});

	it.each([
		['2026-01-01T00:00:00.000+01:00', '2025-12-31T23:00:00.000Z'],
		['2026-01-01T00:00:00Z', '2026-01-01T00:00:00.000Z'],
		['2026-01-31', '2026-01-31'],
		['in 3 days', 'in 3 days'],
		['5', '5'],
		['2026-99-01T00:00:00', '2026-99-01T00:00:00'],
		[undefined, undefined],
	])('%s becomes %s, whatever the zone', (text, wanted) => {
		expect(toMoment(text, () => 'Asia/Tokyo')).toBe(wanted);
	});
});
