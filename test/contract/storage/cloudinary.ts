import { createCloudinaryStorage } from '../../../sidecar/src/storage/cloudinary.ts';
import { startCloudinaryEmulator, type CloudinaryEmulator } from '../../platforms/cloudinary.ts';
import type { StorageStage } from './stage.ts';

export const cloudinary: StorageStage = {
	name: 'cloudinary',
	can: { direct: false, multipart: false, archive: false, unfinished: false, empty: false },
	start() {
		const emulators: CloudinaryEmulator[] = [];
		return Promise.resolve({
			async place({ pageSize }) {
				const emulator = await startCloudinaryEmulator({ pageSize, blind: true, maxBytes: 1024 ** 3 });
				emulators.push(emulator);
				// The contract uses keys of all kinds; that private ones are refused is in its own tests.
				const options = { account: emulator.account, apiBaseUrl: emulator.url, deliveryBaseUrl: emulator.url, folder: 'some/where', only: '' };
				return {
					storage: createCloudinaryStorage(options),
					recipe: { module: 'cloudinary.ts', create: 'createCloudinaryStorage', options },
					// Chunks of uploads that were broken off: nothing can list or delete them.
					leftovers: async () => [],
				};
			},
			stop: async () => void (await Promise.all(emulators.map((emulator) => emulator.close()))),
		});
	},
};
