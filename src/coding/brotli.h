/* The coding br (RFC 7932), over libbrotlienc. */
#ifndef NEAP_CODING_BROTLI_H
#define NEAP_CODING_BROTLI_H

#include "coding/encoder_ops.h"

extern const struct encoder_ops brotli_ops; /* levels 0 to 9: those above are for files */

#endif
