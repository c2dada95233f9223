#include "shm/board_service.h"

#include "shm/board.h"
#include "shm/board_worker.h"
#include "shm/hash.h"
#include "shm/words.h"

int board_service(struct board *b, struct str name)
{
	uint64_t key = hash_name(0, name);

	for (int i = 0; i < BOARD_SERVICES_MAX; i++) {
		struct board_service *s = &b->services[i];
		uint64_t found = atomic_load_explicit(&s->key, memory_order_acquire);
		if (found == 0 && atomic_compare_exchange_strong(&s->key, &found, key)) {
			words_store_text(s->name, BOARD_SERVICE_NAME_WORDS, name);
			return i;
		}
		if (found == key)
			return i;
	}
	return BOARD_NONE;
}

struct board_service_cell *board_service_cell(struct board *b, unsigned worker, unsigned place,
					      struct str name)
{
	int service = board_service(b, name);
	/* More names than rows, after many reloads: the last row counts for all others. */
	unsigned row = service == BOARD_NONE ? BOARD_SERVICES_MAX - 1 : (unsigned)service;

	board_worker_note(b, worker);
	if (place < BOARD_SERVICES_MAX)
		atomic_store(&b->service_rows[place], row + 1);
	return &b->service_cells[worker][row];
}
