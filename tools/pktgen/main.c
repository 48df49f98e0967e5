/* dmm-pktgen: plays mobile nodes and their correspondents, and measures what the gateway does. */
#include "tools/pktgen/command.h"

int main(int argc, char **argv)
{
	return command_main(argc, argv);
}
