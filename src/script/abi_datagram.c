/* What Lua asks of the bytes of datagrams. */
#include "script/abi_datagram.h"

#include "base/cc.h"
#include "net/datagram_key.h"

NEAP_API uint32_t neap_datagram_key(uint32_t kind, uint32_t length, const char *bytes, size_t n,
				    char *to)
{
	return datagram_key_read(kind, length, bytes, n, to);
}
