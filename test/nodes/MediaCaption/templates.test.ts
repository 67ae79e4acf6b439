import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { languageOptions } from '../../../nodes/shared/languages';
import { burnSubtitles } from '../../../nodes/MediaCaption/operations/burnSubtitles';
import { operations } from '../../../nodes/MediaCaption/operations';

const template = (name: string): string => readFileSync(join(__dirname, '../../../workflows', `${name}.json`), 'utf8');

interface Form {
	nodes: Array<{ name: string; parameters: { formFields?: { values: Array<{ fieldName: string; fieldOptions?: { values: Array<{ option: string }> } }> } } }>;
}

describe('the templates with Media Caption', () => {
	it('process-media: every operation of it that works on an asset belongs to its own stage, and is left out of the one before', () => {
		const lists = [...template('process-media').matchAll(/\[('\w+'(?:, '\w+')*)\]\.includes\(job\.operation\)/g)].map(([, list = '']) => list.replaceAll("'", '').split(', ').sort());
		const own = operations.map(({ value }) => value).filter((value) => !['search', 'feedback', 'several'].includes(value)).sort();
		expect(lists).toEqual([own, own]);
	});

	it('subtitle-and-translate: what the form offers becomes what the nodes take', () => {
		const { nodes } = JSON.parse(template('subtitle-and-translate')) as Form;
		const fields = nodes.flatMap(({ parameters }) => parameters.formFields?.values ?? []);
		const offered = (name: string): string[] => fields.find(({ fieldName }) => fieldName === name)?.fieldOptions?.values.map(({ option }) => option) ?? [];
		// As the expressions of the template do it.
		for (const language of offered('languages')) expect(languageOptions).toContainEqual({ name: language.slice(0, -5), value: language.slice(-3, -1) });
		const styles = burnSubtitles.properties.find(({ name }) => name === 'style')?.options?.map((option) => ('value' in option ? option.value : ''));
		expect(offered('style').map((style) => style.replace('Big Words', 'word').toLowerCase()).sort()).toEqual([...(styles ?? [])].sort());
		expect(offered('languages').length).toBeGreaterThan(11);
	});
});

interface Placed {
	nodes: Array<{ name: string; type: string; position: [number, number]; parameters: { content?: string; width?: number; height?: number } }>;
}

/** As n8n draws them, roughly: a letter of a note is 7 pixels wide, a line 20 high; a node is a square of 100. */
const textHeight = (content: string, width: number): number => 20 + content.split('\n').reduce((lines, line) => lines + (line.startsWith('#') ? 2 : Math.ceil((line.length * 7) / (width - 30))), 0) * 20;

describe.each(['distribute-media', 'drive-folder-batch', 'drive-to-social', 'process-media', 'renditions-for-every-platform', 'rss-to-library', 'search-your-library', 'subtitle-and-translate', 'upload-form-to-pipeline'])('the notes of %s', (name) => {
	const { nodes } = JSON.parse(template(name)) as Placed;
	const notes = nodes.filter(({ type }) => type.endsWith('stickyNote'));
	const others = nodes.filter(({ type }) => !type.endsWith('stickyNote'));

	it('can be read: their text fits, and ends above the nodes in them', () => {
		for (const { name: note, position, parameters } of notes) {
			const { content = '', width = 0, height = 0 } = parameters;
			const [x, y] = position;
			const below = y + textHeight(content, width);
			expect([note, below <= y + height]).toEqual([note, true]);
			for (const { name: node, position: at } of others) {
				const inside = at[0] > x - 100 && at[0] < x + width && at[1] > y - 100 && at[1] < y + height;
				if (inside) expect([note, node, at[1] >= below]).toEqual([note, node, true]);
			}
		}
	});

	it('do not lie on each other', () => {
		const boxes = notes.map(({ name: note, position: [x, y], parameters: { width = 0, height = 0 } }) => ({ note, x, y, right: x + width, bottom: y + height }));
		for (const one of boxes) for (const other of boxes) if (one !== other) expect([one.note, other.note, one.x < other.right && other.x < one.right && one.y < other.bottom && other.y < one.bottom]).toEqual([one.note, other.note, false]);
	});
});
