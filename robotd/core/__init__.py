"""The pure core: message in, decision out. Nothing here touches a file, socket, task or clock."""
