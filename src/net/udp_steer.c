#include "net/udp_steer.h"

#include <errno.h>
#include <linux/filter.h>
#include <sys/socket.h>

int udp_steer_to(int fd, uint32_t number)
{
	struct sock_filter code[] = { { BPF_RET | BPF_K, 0, 0, number } };
	struct sock_fprog program = { 1, code };
	return setsockopt(fd, SOL_SOCKET, SO_ATTACH_REUSEPORT_CBPF, &program, sizeof(program)) == 0
		       ? 0
		       : errno;
}

void udp_steer_none(int fd)
{
	int nothing = 0;
	(void)setsockopt(fd, SOL_SOCKET, SO_DETACH_REUSEPORT_BPF, &nothing,
			 sizeof(nothing)); /* else none was attached */
}
