/* wire-doc: prints docs/wire.md. wire-doc FILE: fails when FILE is not what it would print. */
#include "common/page.h"
#include "tools/wiredoc/page.h"

int main(int argc, char **argv)
{
	return page_main("wire-doc", argc, argv, page_write);
}
