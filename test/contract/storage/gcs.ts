import { createGcsStorage } from '../../../sidecar/src/storage/gcs.ts';
import { startGcsEmulator } from '../../platforms/gcs.ts';
import type { StorageStage } from './stage.ts';

export const gcs: StorageStage = {
	name: 'gcs',
	can: { direct: true, multipart: false, archive: true, unfinished: false },
	async start() {
		const emulator = await startGcsEmulator({ pageSize: 5 });
		let places = 0;
		return {
			async place() {
				const options = { bucket: emulator.bucket, credentials: emulator.credentials, baseUrl: emulator.url, prefix: `place${++places}/` };
				return {
					storage: createGcsStorage(options),
					recipe: { module: 'gcs.ts', create: 'createGcsStorage', options },
					leftovers: async () => emulator.openSessions().filter((name) => name.startsWith(options.prefix)),
				};
			},
			stop: () => emulator.close(),
		};
	},
};
