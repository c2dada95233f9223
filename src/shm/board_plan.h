/*
 * What the agent asks the master to do before workers start; checked by the master, which does not
 * trust it.
 */
#ifndef NEAP_SHM_BOARD_PLAN_H
#define NEAP_SHM_BOARD_PLAN_H

#include <stdint.h>

#include "shm/board_size.h"

/* cdef begin: Lua reads these numbers with NEAP_ before their names */
enum { BOARD_LISTENS_MAX = 1024, BOARD_STORES_MAX = 32 };
/* cdef end */

struct board_plan {
	uint32_t workers;
	uint32_t listens;
	uint32_t connections; /* for the fd limit: the largest limits.connections */
	int32_t log_level;
	uint64_t digest; /* of the settings, and of each service and pool alone */
	uint64_t service_digests[BOARD_SERVICES_MAX], pool_digests[BOARD_POOLS_MAX];
	char log_target[256];
	char pid_file[256];
	char admin[128]; /* where the admin side listens; "": nowhere */
	char admin_group[64];
	uint32_t admin_mode;
	struct board_plan_listen {
		char address[128];
		uint8_t is_tcp, is_tls, is_udp;
		uint16_t service, listen; /* the latter: its index among the service's */
	} listen[BOARD_LISTENS_MAX];
	uint32_t stores;
	struct board_plan_store { /* neap.shared */
		char name[64];
		uint64_t bytes;
	} store[BOARD_STORES_MAX];
};

#endif
