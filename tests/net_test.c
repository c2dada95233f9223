/* The loop, timers, streams, listeners, dialling and DNS over real sockets of the loopback; pings. */
#include "net_support.h"

#include <fcntl.h>
#include <stdio.h>

int main(void)
{
	struct error e;
	struct loop l;

	check_case("loop_init");
	if (!check(loop_init(&l, &e) == ERR_OK, "a loop")) {
		printf("%s\n", e.text);
		return check_report();
	}
	check(ev_backend(l.ev) == EVBACKEND_EPOLL, "it is epoll");
	net_loop_tests(&l);
	net_timer_tests(&l);
	net_stream_tests(&l);
	net_memory_tests(&l);
	net_open_tests(&l);
	net_bind_tests();
	net_listener_tests(&l);
	net_dial_tests(&l);
	net_dns_tests(&l);
	net_ping_tests();
	net_tls_tests(&l);
	net_tls_source_tests();
	loop_fini(&l);
	loop_fini(&l);
	return check_report();
}
