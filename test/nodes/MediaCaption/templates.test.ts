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
