#include "net_support.h"

#include <string.h>

#include "net/ping.h"

enum { IP_HEAD = 20, IP_ICMP = 1, IP_UDP = 17, ECHO_REPLY = 0, ECHO6_REPLY = 129 };

struct reply {
	struct ping_mark mark;
	uint8_t bytes[IP_HEAD + PING_BYTES + 1];
	size_t n;
	uint8_t *icmp;
};

/* The right answer to the third of three pings. */
static struct reply *right(struct reply *r, bool is_v6, bool is_raw)
{
	*r = (struct reply){ .mark = {
				     .id = 0x1234, .sent = 3, .is_v6 = is_v6, .is_raw = is_raw } };
	memcpy(r->mark.nonce, "sixteen random b", PING_NONCE);
	r->icmp = r->bytes + (is_raw && !is_v6 ? IP_HEAD : 0);
	if (r->icmp != r->bytes) {
		r->bytes[0] = 0x45;
		r->bytes[9] = IP_ICMP;
	}
	ping_write(r->icmp, &r->mark);
	r->icmp[0] = is_v6 ? ECHO6_REPLY : ECHO_REPLY;
	r->n = (size_t)(r->icmp - r->bytes) + PING_BYTES;
	return r;
}

static bool is_taken(const struct reply *r)
{
	return ping_is_reply(&r->mark, r->bytes, r->n);
}

static bool is_taken_with(struct reply *r, size_t at, uint8_t value)
{
	r->icmp[at] = value;
	return is_taken(r);
}

static void test_forged(bool is_v6, bool is_raw)
{
	struct reply r;

	check(is_taken(right(&r, is_v6, is_raw)), "the right one is taken");
	check(is_taken_with(right(&r, is_v6, is_raw), 7, 1), "so is that to an earlier ping");
	check(!is_taken_with(right(&r, is_v6, is_raw), 7, 4), "not to one that was not sent");
	check(!is_taken_with(right(&r, is_v6, is_raw), 7, 0), "nor to the one before the first");
	check(!is_taken_with(right(&r, is_v6, is_raw), 0, is_v6 ? 128 : 8), "no request");
	check(!is_taken_with(right(&r, is_v6, is_raw), 0, is_v6 ? 1 : 3), "no error");
	check(!is_taken_with(right(&r, is_v6, is_raw), 1, 1), "no other code");
	check(!is_taken_with(right(&r, is_v6, is_raw), PING_BYTES - 1, 0), "no other payload");
	check(is_taken_with(right(&r, is_v6, is_raw), 5, 0) == !is_raw,
	      "no other number, which the kernel looks at for a ping socket");
	right(&r, is_v6, is_raw)->n--;
	check(!is_taken(&r), "no shorter one");
	right(&r, is_v6, is_raw)->n++;
	check(!is_taken(&r), "no longer one");
	right(&r, is_v6, is_raw)->n = 0;
	check(!is_taken(&r), "nothing");
}

static void test_ip_heads(void)
{
	struct reply r;

	check(right(&r, false, true)->bytes[0] == 0x45 && is_taken(&r), "an IP header of 20 bytes");
	for (unsigned words = 0; words < 16; words++) {
		r.bytes[0] = (uint8_t)(0x40 | words);
		check(is_taken(&r) == (words == 5), "its length is not believed beyond the packet");
	}
	right(&r, false, true)->bytes[0] = 0x65;
	check(!is_taken(&r), "no other version of IP");
	right(&r, false, true)->bytes[9] = IP_UDP;
	check(!is_taken(&r), "no other protocol");
	for (size_t n = 0; n < IP_HEAD + PING_BYTES; n++) {
		right(&r, false, true)->n = n;
		check(!is_taken(&r), "no part of one");
	}
}

void net_ping_tests(void)
{
	check_case("ping socket");
	test_forged(false, false);
	check_case("raw socket");
	test_forged(false, true);
	check_case("ping socket, IPv6");
	test_forged(true, false);
	check_case("raw socket, IPv6");
	test_forged(true, true);
	check_case("IP headers of a raw socket");
	test_ip_heads();
}
