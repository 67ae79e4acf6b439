import { setTimeout as turn } from 'node:timers/promises';
import { foreignParts, withoutForeignParts, withoutForeignSentences } from '../../../../sidecar/src/operations/ai/foreign-parts.ts';

describe('links and mentions', () => {
	it.each([
		['another link', 'See https://evil.example.com/x', 'https://ours.example.com', ['https://evil.example.com/x']],
		['a link whose host only begins like ours', 'See https://example.com.evil.org', 'https://example.com', ['https://example.com.evil.org']],
		['a link that is the end of another word', 'See t.co', 'Be alert.com', ['t.co']],
		['another page of ours', 'See example.com/sale', 'example.com/shop', ['example.com/sale']],
		['a mention that is the beginning of ours', 'Ask @nike', 'Mention @nikerunning', ['@nike']],
		['a number for a host', 'See http://192.0.2.1/win', '', ['http://192.0.2.1/win']],
		['another scheme', 'Open tg://resolve?domain=evil now', '', ['tg://resolve?domain=evil']],
		['a mail address', 'Write to win@evil.org.', 'We are ours@example.com', ['win@evil.org']],
		['somebody elsewhere', 'Ask @evil@mastodon.example!', '', ['@evil@mastodon.example']],
		['a handle with dots', 'Ask @evil.bsky.social.', '', ['@evil.bsky.social']],
	])('that nobody gave are found: %s', (_what, text, allowed, expected) => {
		expect(foreignParts(text, allowed)).toEqual(expected);
	});

	it.each([
		['with or without scheme and www', 'See example.com/tea.', 'https://www.example.com/tea'],
		['the home of a page', 'See https://example.com/', 'https://example.com/tea'],
		['in other case', 'Ask @US', 'Mention @us.'],
		['without the server', 'Ask @us', 'Mention @us@mastodon.example'],
		['within Japanese', '詳しくはhttps://example.com/tea', '詳しくは https://example.com/tea です'],
		['none at all', 'At 5 p.m. we drink tea, e.g. green tea @ home', ''],
	])('that were given may stand there: %s', (_what, text, allowed) => {
		expect(foreignParts(text, allowed)).toEqual([]);
		expect(withoutForeignSentences(text, allowed)).toBe(text);
	});

	it('are taken out, and of a mention the name stays', () => {
		const text = 'Look at https://evil.example.com/x and ask @stranger@mastodon.example, or https://ours.example.com/a and @us.';
		expect(withoutForeignParts(text, 'Link to https://ours.example.com/a and mention @us')).toBe('Look at and ask stranger, or https://ours.example.com/a and @us.');
		expect(withoutForeignParts('Ask @user and @username', '@username')).toBe('Ask user and @username');
	});

	it('take their sentence with them', () => {
		expect(withoutForeignSentences('Tea in three steps. Win at https://evil.org/?a=b with @evil! It is easy.\nGo to evil.org', '')).toBe('Tea in three steps. It is easy.');
	});

	it('leave a sentence that holds what was given, and one that is all there is', () => {
		expect(withoutForeignSentences('Tea. Try it free, or see evil.org.', 'x', 'try it free')).toBe('Tea. Try it free, or see.');
		expect(withoutForeignSentences('See evil.org', '')).toBe('See');
	});

	it('are looked for in time, whatever the text is', async () => {
		for (const text of ['a'.repeat(20_000), '@a'.repeat(10_000), 'a.'.repeat(10_000), 'a@'.repeat(10_000), ':/'.repeat(10_000)]) expect(() => foreignParts(text, '')).not.toThrow();
		// Jest looks at its time limit when others have their turn.
		await turn(0);
	});
});
