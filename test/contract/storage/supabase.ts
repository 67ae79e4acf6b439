import { createSupabaseStorage } from '../../../sidecar/src/storage/supabase.ts';
import { startSupabaseEmulator, type SupabaseEmulator } from '../../platforms/supabase-storage.ts';
import type { StorageStage } from './stage.ts';

export const supabase: StorageStage = {
	name: 'supabase',
	can: { direct: true, directPut: false, multipart: false, archive: false, unfinished: false },
	start() {
		const emulators: SupabaseEmulator[] = [];
		return Promise.resolve({
			async place({ pageSize }) {
				const emulator = await startSupabaseEmulator({ fileSizeLimit: 1024 ** 3 });
				emulators.push(emulator);
				const options = { url: emulator.url, serviceKey: emulator.serviceKey, bucket: emulator.bucket, pageSize };
				return {
					storage: createSupabaseStorage(options),
					recipe: { module: 'supabase.ts', create: 'createSupabaseStorage', options },
					leftovers: async () => emulator.openUploads(),
				};
			},
			stop: async () => void (await Promise.all(emulators.map((emulator) => emulator.close()))),
		});
	},
};
