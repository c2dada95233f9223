/* CRC-32C (Castagnoli, RFC 3720 appendix B.4), the checksum of PROXY headers. */
#ifndef NEAP_NET_CRC32C_H
#define NEAP_NET_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Of the bytes at p after those of `before`; 0: there were none. */
uint32_t crc32c(uint32_t before, const char *p, size_t n);

#endif
