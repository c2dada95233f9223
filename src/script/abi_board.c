/* The board as Lua reaches it through FFI: thin, because src/shm/board_*.h say what each does. */
#include "script/policies.h"

#include <arpa/inet.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/addr.h"
#include "shm/board.h"
#include "shm/board_backend.h"
#include "shm/board_carry.h"
#include "shm/board_hook.h"
#include "shm/board_outlier.h"
#include "shm/board_pool.h"
#include "shm/board_serve.h"
#include "shm/board_state.h"
#include "shm/board_suspect.h"

_Static_assert(sizeof(neap_addr) == sizeof(struct board_addr), "one layout");
_Static_assert(offsetof(neap_addr, scope) == offsetof(struct board_addr, scope), "one layout");
_Static_assert(sizeof(neap_member) == sizeof(struct board_member), "one layout");
_Static_assert(offsetof(neap_member, addr) == offsetof(struct board_member, text.addr),
	       "one layout");
_Static_assert(offsetof(neap_member, send_proxy) == offsetof(struct board_member, text.send_proxy),
	       "one layout");
_Static_assert(offsetof(neap_member, tier) == offsetof(struct board_member, tier), "one layout");

NEAP_API int32_t neap_board_pool(struct board *b, const char *name, size_t n)
{
	return board_pool_publish(b, (struct str){ name, n });
}

/* The slot of a backend that this board knows, or the one of the generation before. */
static int32_t inherit(struct board *b, int32_t pool, struct str name)
{
	const struct policies *p = policies_current();
	if (p == NULL || p->o.previous == NULL || pool < 0 || pool >= BOARD_POOLS_MAX)
		return board_backend_find(b, pool, name);
	return board_inherit(b, pool, name, p->o.previous);
}

NEAP_API int32_t neap_board_publish(struct board *b, int32_t pool, const neap_member *m)
{
	struct board_member member;
	memcpy(&member, m, sizeof member);
	(void)inherit(b, pool, (struct str){ m->name, strnlen(m->name, sizeof m->name) });
	return board_backend_publish(b, pool, &member, STATE_UNKNOWN);
}

NEAP_API uint32_t neap_board_set_addrs(struct board *b, int32_t slot, const neap_addr *addrs,
				       uint32_t n)
{
	struct board_addr list[BOARD_ADDRS_MAX];
	unsigned count = n < BOARD_ADDRS_MAX ? n : BOARD_ADDRS_MAX;
	memcpy(list, addrs, count * sizeof *list);
	return board_backend_set_addrs(b, slot, list, count);
}

NEAP_API void neap_board_set_members(struct board *b, int32_t pool, const int32_t *slots,
				     uint32_t n)
{
	board_pool_set_members(b, pool, slots, n);
}

NEAP_API void neap_board_reclaim(struct board *b)
{
	board_reclaim(b, clock_now_ms());
}

NEAP_API uint32_t neap_board_version(const struct board *b, int32_t pool)
{
	return board_pool_version(b, pool);
}

NEAP_API double neap_board_stamp(const struct board *b, int32_t slot)
{
	return (double)(board_state_since_ms(b, slot) * 8 + (int64_t)board_state(b, slot));
}

NEAP_API uint32_t neap_board_addrs(const struct board *b, int32_t slot, neap_addr *to,
				   char host[128])
{
	struct board_text text;
	if (!board_backend_text(b, slot, board_epoch(b, slot), &text))
		return 0;
	memcpy(to, text.addr, sizeof text.addr);
	memcpy(host, text.host, sizeof text.host);
	return text.addrs;
}

NEAP_API int32_t neap_board_find(struct board *b, int32_t pool, const char *name, size_t n)
{
	return inherit(b, pool, (struct str){ name, n });
}

NEAP_API void neap_board_condition(const struct board *b, int32_t slot, neap_condition *to)
{
	const struct board_backend *backend = &b->backends[slot];
	uint64_t state = atomic_load_explicit(&backend->state, memory_order_acquire);
	to->state = (uint32_t)(state & 0xff);
	to->since_ms = (double)(state >> 8);
	to->marked = atomic_load(&backend->marked_by_request);
	to->epoch = board_epoch(b, slot);
	to->ejected_until_ms = (double)atomic_load(&backend->ejected_until_ms);
	to->reason_n = (uint32_t)board_reason(b, slot, to->reason, sizeof to->reason);
}

NEAP_API uint32_t neap_board_checked(struct board *b, int32_t slot, uint32_t up, const char *why,
				     size_t n)
{
	return board_set_checked(b, slot, up != 0, (struct str){ why, n }, clock_wall_ms());
}

NEAP_API uint32_t neap_board_set_state(struct board *b, int32_t slot, uint32_t to, const char *why,
				       size_t n)
{
	return board_set_state(b, slot, (enum board_state)to, (struct str){ why, n },
			       clock_wall_ms());
}

NEAP_API uint32_t neap_board_pin(struct board *b, int32_t slot, uint32_t pin, const char *why,
				 size_t n)
{
	if (slot < 0 || slot >= BOARD_BACKENDS_MAX || pin > STATE_EJECTED + 1)
		return 0;
	return board_pin(b, slot, (int)pin - 1, (struct str){ why, n }, clock_wall_ms());
}

NEAP_API void neap_board_outlier(const struct board *b, int32_t slot, neap_outlier *to)
{
	const struct board_backend *backend = &b->backends[slot];
	to->streak = atomic_load_explicit(&backend->streak, memory_order_relaxed);
	to->ejections = atomic_load_explicit(&backend->ejections, memory_order_relaxed);
	board_outliers(b, slot, &to->requests, &to->failures);
	to->pinned = board_pinned(b, slot) != 0 ? 1 : 0;
}

NEAP_API uint32_t neap_board_outliers(const struct board *b, int32_t pool)
{
	return atomic_load_explicit(&b->pools[pool].outliers, memory_order_acquire);
}

NEAP_API uint32_t neap_board_eject(struct board *b, int32_t slot, double until_ms,
				   uint32_t ejections, const char *why, size_t n)
{
	atomic_store_explicit(&b->backends[slot].ejections, ejections, memory_order_relaxed);
	return board_eject(b, slot, (int64_t)until_ms, (struct str){ why, n }, clock_wall_ms());
}

NEAP_API void neap_board_share(const struct board *b, int32_t pool, neap_share *to)
{
	struct board_share share;
	board_pool_share(b, pool, &share);
	*to = (neap_share){ share.up, share.of };
}

NEAP_API void neap_board_set_panics(struct board *b, int32_t pool, uint32_t panics)
{
	atomic_store_explicit(&b->pools[pool].panics, panics, memory_order_relaxed);
}

NEAP_API void neap_board_suspicion(const struct board *b, int32_t slot, neap_suspicion *to)
{
	to->failures = board_suspicion(b, slot);
	to->suspected = atomic_load_explicit(&b->backends[slot].suspected, memory_order_acquire);
	to->reason_n = 0;
	if (to->failures > 0)
		to->reason_n =
			(uint32_t)board_suspicion_reason(b, slot, to->reason, sizeof to->reason);
}

NEAP_API uint32_t neap_board_suspected(const struct board *b, int32_t pool)
{
	return atomic_load_explicit(&b->pools[pool].suspected, memory_order_acquire);
}

NEAP_API uint32_t neap_board_mark_down(struct board *b, int32_t slot, const char *why, size_t n)
{
	return board_mark_down(b, slot, (struct str){ why, n }, clock_wall_ms());
}

NEAP_API uint32_t neap_addr_of_ip(const char *ip, size_t n, uint16_t port, neap_addr *to)
{
	struct addr a;
	if (!addr_of_ip(&a, (struct str){ ip, n }, port))
		return 0;
	*to = (neap_addr){ .family = a.u.sa.sa_family, .port = port };
	if (a.u.sa.sa_family == AF_INET) {
		memcpy(to->ip, &a.u.in.sin_addr, 4);
	} else {
		memcpy(to->ip, &a.u.in6.sin6_addr, 16);
		to->scope = a.u.in6.sin6_scope_id;
	}
	return 1;
}

NEAP_API size_t neap_addr_print(const neap_addr *a, char *to, size_t size)
{
	if (inet_ntop(a->family, a->ip, to, (socklen_t)size) == NULL)
		return 0;
	return strlen(to);
}

/*
 * What is sent there would come from the same address. (Whether it may be bound says nothing: with
 * net.ipv4.ip_nonlocal_bind all may.)
 */
static bool is_sent_to_itself(int fd, const struct addr *to)
{
	struct addr from = *to;

	from.len = sizeof(from.u);
	if (connect(fd, &to->u.sa, to->len) != 0 || getsockname(fd, &from.u.sa, &from.len) != 0)
		return false;
	if (to->u.sa.sa_family == AF_INET6)
		return memcmp(&from.u.in6.sin6_addr, &to->u.in6.sin6_addr,
			      sizeof(to->u.in6.sin6_addr)) == 0;
	return from.u.in.sin_addr.s_addr == to->u.in.sin_addr.s_addr;
}

NEAP_API uint32_t neap_addr_is_ours(const char *ip, size_t n)
{
	struct addr a;
	if (!addr_of_ip(&a, (struct str){ ip, n }, 9))
		return 0;
	int fd = socket(a.u.sa.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return 0;
	bool is_ours = is_sent_to_itself(fd, &a);
	(void)close(fd); /* nothing was written */
	return is_ours ? 1 : 0;
}

NEAP_API uint32_t neap_board_hook_error(struct board *b, uint32_t service, uint32_t hook)
{
	return board_hook_error(b, service, hook, clock_now_ms());
}

NEAP_API uint32_t neap_board_hook_is_tripped(struct board *b, uint32_t service, uint32_t hook)
{
	return board_hook_is_tripped(b, service, hook, clock_now_ms());
}

NEAP_API void neap_board_hook_ok(struct board *b, uint32_t service, uint32_t hook)
{
	board_hook_ok_after_trip(b, service, hook);
}

NEAP_API double neap_clock(void)
{
	return (double)clock_now_ns() / 1e9;
}

NEAP_API double neap_wall_ms(void)
{
	return (double)clock_wall_ms();
}
