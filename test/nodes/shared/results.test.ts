import {
	inInputOrder,
	refusedItems,
	submittedItems,
	timedOutItems,
	toOutputs,
} from '../../../nodes/shared/results';

const job = (item_index: number, change: object = {}) => ({
	job_id: `job-${item_index}`,
	item_index,
	asset_id: `asset-${item_index}`,
	operation: 'compress',
	status: 'completed' as const,
	output_data: { processed_url: `http://files/${item_index}` },
	error: null,
	...change,
});

describe('toOutputs', () => {
	it('puts completed jobs on the first output, with what they made, linked to their input items', () => {
		const [done, failed] = toOutputs([job(1), job(0)], [4, 7]);
		expect(failed).toEqual([]);
		expect(done).toEqual([
			{
				json: { asset_id: 'asset-0', job_id: 'job-0', operation: 'compress', status: 'completed', processed_url: 'http://files/0' },
				pairedItem: { item: 4 },
			},
			{
				json: { asset_id: 'asset-1', job_id: 'job-1', operation: 'compress', status: 'completed', processed_url: 'http://files/1' },
				pairedItem: { item: 7 },
			},
		]);
	});

	it('puts failed jobs on the second output with code, message and job', () => {
		const error = { code: 'input_corrupt', message: 'The file is cut off.' };
		const [done, failed] = toOutputs([job(0, { status: 'failed', error, output_data: null })], [2]);
		expect(done).toEqual([]);
		expect(failed).toEqual([
			{
				json: {
					error,
					code: 'input_corrupt',
					message: 'The file is cut off.',
					job_id: 'job-0',
					asset_id: 'asset-0',
					operation: 'compress',
					status: 'failed',
					item_index: 2,
				},
				pairedItem: { item: 2 },
			},
		]);
	});

	it('takes a cancelled job for a failed one, also without a reason', () => {
		const [done, failed] = toOutputs([job(0, { status: 'cancelled' })], [0]);
		expect(done).toEqual([]);
		expect(failed?.[0]?.json).toMatchObject({ code: 'cancelled' });
	});

	it('gives failed items more fields than n8n takes for its own error items', () => {
		const [, failed] = toOutputs([job(0, { status: 'failed' })], [0]);
		const own = Object.keys(failed?.[0]?.json ?? {}).filter((key) => !['error', 'message', 'details'].includes(key));
		expect(own.length).toBeGreaterThan(0);
	});
});

describe('the other items', () => {
	it('says of items that were not sent why, without a job', () => {
		const [item] = refusedItems([{ itemIndex: 3, error: { code: 'invalid_request', message: 'no' } }]);
		expect(item).toMatchObject({ json: { code: 'invalid_request', message: 'no', job_id: null, item_index: 3 }, pairedItem: { item: 3 } });
	});

	it('marks every job of a run that was never called back as failed with deadline_exceeded', () => {
		const items = timedOutItems([{ item_index: 0, job_id: 'a', asset_id: 'x', operation: 'crop' }, { item_index: 0, job_id: 'b', asset_id: null, operation: 'crop' }], [1], 30);
		expect(items.map(({ json }) => [json.code, json.job_id, json.item_index])).toEqual([
			['deadline_exceeded', 'a', 1],
			['deadline_exceeded', 'b', 1],
		]);
		expect(String(items[0]?.json.message)).toContain('30 minutes');
	});

	it('answers job ids at once when the node does not wait', () => {
		const jobs = [{ id: 'j', item_index: 0, job_type: 'probe', status: 'pending' as const, asset_id: 'a', estimated_duration: 2 }];
		expect(submittedItems({ batch_id: 'b', status: 'pending', jobs }, [5])).toEqual([
			{ json: { asset_id: 'a', job_id: 'j', operation: 'probe', status: 'pending', batch_id: 'b', estimated_duration: 2 }, pairedItem: { item: 5 } },
		]);
	});

	it('sorts by input item and keeps the order within one', () => {
		const item = (source: number, name: string) => ({ json: { name }, pairedItem: { item: source } });
		const [sorted] = inInputOrder([[item(2, 'c'), item(0, 'a'), item(2, 'd'), item(1, 'b')]]);
		expect(sorted?.map(({ json }) => json.name)).toEqual(['a', 'b', 'c', 'd']);
	});
});
