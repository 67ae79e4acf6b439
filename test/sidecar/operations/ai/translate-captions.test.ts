import { fitPost, shield, unshield, wantedLength } from '../../../../sidecar/src/operations/ai/translate-captions.ts';

const POST = 'Ask @ada about #GreenTea at https://example.com/tea?a=1, today! 🍵\n\n#tea #slow https://example.com/more';

describe('links, mentions and hashtags of a post', () => {
	it('are hidden from the translator, and come back as they were', () => {
		const hidden = shield(POST);
		expect(hidden.text).toBe('Ask ⟦1⟧ about ⟦2⟧ at ⟦3⟧, today! 🍵');
		expect(hidden.tail).toBe('\n\n#tea #slow https://example.com/more');
		expect(unshield(hidden.text, hidden)).toBe(POST);
		expect(unshield('Fragt heute ⟦1⟧ nach ⟦ 2 ⟧ auf ⟦3⟧! 🍵', hidden)).toBe(
			'Fragt heute @ada nach #GreenTea auf https://example.com/tea?a=1! 🍵\n\n#tea #slow https://example.com/more',
		);
	});

	it('come once each, whatever the translator made of them', () => {
		const hidden = shield('See https://example.com/a by @ada now');
		expect(unshield('Seht ⟦1⟧ ⟦1⟧ ⟦7⟧ jetzt', hidden)).toBe('Seht https://example.com/a jetzt @ada');
	});

	it('leave a text without any alone', () => {
		expect(shield('Just text.')).toEqual({ text: 'Just text.', kept: [], tail: '' });
		expect(shield('#a #b')).toEqual({ text: '', kept: [], tail: '#a #b' });
	});
});

describe('a post that became too long', () => {
	it('is cut at a word and keeps links and hashtags', () => {
		const long = `${'Ein sehr langes Wort nach dem anderen. '.repeat(12)}Mehr bei @ada auf https://example.com/tea #tee`;
		const made = fitPost(long, 'x');
		expect(made).toMatch(/^Ein sehr langes .*…\n\n@ada https:\/\/example\.com\/tea #tee$/s);
		expect(made.length).toBeGreaterThan(250);
		expect(fitPost('Passt. #tee', 'x')).toBe('Passt. #tee');
		expect(fitPost('x'.repeat(9000), 'nowhere')).toHaveLength(9000);
	});

	it('counts as its platform does: full-width characters are two on X', () => {
		expect(fitPost('緑茶'.repeat(100), 'x').length).toBeLessThanOrEqual(140);
		expect(fitPost('緑茶'.repeat(100), 'mastodon')).toHaveLength(200);
	});

	it('loses hashtags before it loses all its words', () => {
		const tags = Array.from({ length: 40 }, (_, index) => `#hashtag${index}`).join(' ');
		expect(fitPost(`Ein kurzer Satz. ${tags}`, 'bluesky')).toMatch(/^Ein kurzer Satz\.\n\n#hashtag0 /);
	});

	it('is asked for with some reserve', () => {
		expect(wantedLength('x', shield('Tea #tea'))).toBe(252 - ' #tea'.length);
		expect(wantedLength('nowhere', shield('Tea'))).toBeNull();
	});
});
