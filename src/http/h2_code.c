#include "http/h2_code.h"

const char *h2_code_words(unsigned code)
{
	switch (code) {
	case H2_FLOW_CONTROL_ERROR:
		return "the backend did not keep to its windows (FLOW_CONTROL_ERROR)";
	case H2_STREAM_CLOSED:
		return "the backend sent more on a stream that it had ended (STREAM_CLOSED)";
	case H2_FRAME_SIZE_ERROR:
		return "the backend sent a frame of a wrong size (FRAME_SIZE_ERROR)";
	case H2_COMPRESSION_ERROR:
		return "the backend sent fields that cannot be decoded (COMPRESSION_ERROR)";
	case H2_PROTOCOL_ERROR:
		return "the backend sent what HTTP/2 does not allow there (PROTOCOL_ERROR)";
	default:
		return "the connection's HTTP/2 ended";
	}
}
