/*
 * The contract between C and Lua (abi.h): the board, as the agent writes it.
 */
#ifndef NEAP_SCRIPT_ABI_BOARD_H
#define NEAP_SCRIPT_ABI_BOARD_H

#include <stddef.h>
#include <stdint.h>

/* cdef begin */

/*
 * The board, as the agent's Lua publishes it (abi_board.c). Slots and pools are indexes; -1:
 * none. Addresses have the layout of struct board_addr, members that of struct board_member;
 * times are milliseconds of the wall clock.
 */
struct board;

typedef struct neap_addr {
	uint16_t family; /* as the system numbers them: AF_INET, AF_INET6, AF_UNIX */
	uint16_t port;
	uint8_t ip[16];
	uint32_t scope;
} neap_addr;

typedef struct neap_member {
	char name[160], url[256], scheme[8], host[128], base[128], path[108], zone[32], tags[512],
		server_name[128];
	uint16_t port;
	uint8_t addrs, send_proxy;
	neap_addr addr[8];
	uint32_t weight, slots;
	int32_t tier;
} neap_member;

/* What can change about a backend at any moment. */
typedef struct neap_condition {
	uint32_t state;	 /* enum board_state: 0 unknown, 1 up, 2 down, 3 drain, 4 ejected */
	uint32_t marked; /* 1: a request marked it down */
	uint32_t epoch;
	uint32_t reason_n;
	double since_ms, ejected_until_ms;
	char reason[128];
} neap_condition;

/* What `eject` goes by. Requests and failures are sums that wrap around. */
typedef struct neap_outlier {
	uint32_t streak, ejections, requests, failures;
	uint32_t pinned; /* 1: a person gave it its state */
} neap_outlier;

int32_t neap_board_pool(struct board *b, const char *name, size_t n);
int32_t neap_board_publish(struct board *b, int32_t pool, const neap_member *m);
uint32_t neap_board_set_addrs(struct board *b, int32_t slot, const neap_addr *addrs, uint32_t n);
void neap_board_set_members(struct board *b, int32_t pool, const int32_t *slots, uint32_t n);
void neap_board_reclaim(struct board *b);
uint32_t neap_board_version(const struct board *b, int32_t pool);
void neap_board_condition(const struct board *b, int32_t slot, neap_condition *to);
double neap_board_stamp(const struct board *b,
			int32_t slot); /* differs after each change of state */
/* Writes the addresses into to[8]; returns how many there are. */
uint32_t neap_board_addrs(const struct board *b, int32_t slot, neap_addr *to, char host[128]);
int32_t neap_board_find(struct board *b, int32_t pool, const char *name, size_t n);
/* 1: the state changed. */
uint32_t neap_board_checked(struct board *b, int32_t slot, uint32_t up, const char *why, size_t n);
uint32_t neap_board_set_state(struct board *b, int32_t slot, uint32_t to, const char *why,
			      size_t n);
void neap_board_outlier(const struct board *b, int32_t slot, neap_outlier *to);
/* Changes when a backend of the pool has failed as often in a row as `eject` says. */
uint32_t neap_board_outliers(const struct board *b, int32_t pool);
/* Takes it out of service until then, for the ejections-th time lately; 1: the state changed. */
uint32_t neap_board_eject(struct board *b, int32_t slot, double until_ms, uint32_t ejections,
			  const char *why, size_t n);
/* How many backends the tier in use has, and how many of them are up. */
typedef struct neap_share {
	uint32_t up, of;
} neap_share;
void neap_board_share(const struct board *b, int32_t pool, neap_share *to);
void neap_board_set_panics(struct board *b, int32_t pool, uint32_t panics);
/* Failures after connecting (shm/board_suspect.h). */
typedef struct neap_suspicion {
	uint32_t failures;  /* in a row; 0: it is no suspect */
	uint32_t suspected; /* ever; wraps around */
	uint32_t reason_n;
	char reason[128]; /* of the first one in the row */
} neap_suspicion;
void neap_board_suspicion(const struct board *b, int32_t slot, neap_suspicion *to);
/* Changes whenever a backend of the pool becomes suspect. */
uint32_t neap_board_suspected(const struct board *b, int32_t pool);
/* Marks it down, as requests do; 1: the state changed. */
uint32_t neap_board_mark_down(struct board *b, int32_t slot, const char *why, size_t n);
/* Pins a state: nothing else changes it. pin 0 (auto): lets go, and the state is unknown. */
uint32_t neap_board_pin(struct board *b, int32_t slot, uint32_t pin, const char *why, size_t n);
/* A literal IP address; 0: it is none. */
uint32_t neap_addr_of_ip(const char *ip, size_t n, uint16_t port, neap_addr *to);
size_t neap_addr_print(const neap_addr *a, char *to, size_t size); /* "127.0.0.1", "::1" */
uint32_t neap_addr_is_ours(const char *ip, size_t n); /* 1: the address is this machine's */
/* The board's memory of hooks that err, for those of the agent; hook is an enum hook_id. */
uint32_t neap_board_hook_error(struct board *b, uint32_t service,
			       uint32_t hook); /* 1: tripped now */
/* The running task is in that hook of the agent from here on. */
void neap_hook_enter(uint32_t service, uint32_t hook);
/* Before another hook begins: the time so far is the current hook's. */
void neap_hook_stage(void);
/*
 * Where this worker counts a service's calls of: request, backends, pick, log, access_log.format.
 */
uint64_t *neap_hook_calls(uint32_t service, const char *name, size_t n);
uint32_t neap_board_hook_is_tripped(struct board *b, uint32_t service, uint32_t hook);
void neap_board_hook_ok(struct board *b, uint32_t service, uint32_t hook);
double
neap_clock(void); /* monotonic seconds, read now: the loop's time stands still while it works */
double neap_wall_ms(void);
/* How many connections and pings our own lack of files or memory has ended so far. */
uint32_t neap_shortages(void);

/* cdef end */

#endif
