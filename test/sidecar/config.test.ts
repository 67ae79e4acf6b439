import { ConfigError, readConfig } from '../../sidecar/src/config.ts';

describe('the configuration', () => {
	it('needs nothing: every default works', () => {
		expect(readConfig({})).toMatchObject({ PORT: 8080, DATA_DIR: './data', ROLE: 'all', MAX_FILE_BYTES: 524_288_000, ALLOWED_PRIVATE_HOSTS: [] });
	});

	it('reports every wrong variable at once, each by its name', () => {
		const read = () => readConfig({ PORT: 'eighty', API_KEY: 'short', DATABASE_URL: 'mysql://x', ROLE: 'boss' });
		expect(read).toThrow(ConfigError);
		expect(read).toThrow(/PORT[\s\S]*API_KEY[\s\S]*DATABASE_URL[\s\S]*ROLE/);
	});

	it('takes an empty variable as one that is not set', () => {
		expect(readConfig({ DATABASE_URL: '', PUBLIC_URL: '', PORT: '', LOG_LEVEL: '' })).toMatchObject({ PORT: 8080, LOG_LEVEL: 'info' });
	});

	it('refuses separate processes on the embedded database', () => {
		expect(() => readConfig({ ROLE: 'worker' })).toThrow(/ROLE=worker needs DATABASE_URL/);
		expect(readConfig({ ROLE: 'worker', DATABASE_URL: 'postgres://db/x', PUBLIC_URL: 'https://media.example.com' }).ROLE).toBe('worker');
	});

	it('asks separate processes for the address under which files are served', () => {
		expect(() => readConfig({ ROLE: 'worker', DATABASE_URL: 'postgres://db/x' })).toThrow(/PUBLIC_URL: must be set with ROLE=worker/);
	});

	it('refuses a time limit that node cannot wait for: it would pass at once', () => {
		expect(() => readConfig({ JOB_TIMEOUT_SECONDS: '2592000' })).toThrow(/JOB_TIMEOUT_SECONDS/);
		expect(readConfig({ JOB_TIMEOUT_SECONDS: '2000000' }).JOB_TIMEOUT_SECONDS).toBe(2_000_000);
	});

	it('splits lists and drops what is empty in them', () => {
		expect(readConfig({ ALLOWED_PRIVATE_HOSTS: ' n8n:5678, ,10.0.0.0/8 ' }).ALLOWED_PRIVATE_HOSTS).toEqual(['n8n:5678', '10.0.0.0/8']);
	});
});
