package chat

// Files are the files of the page, for tests over HTTP.
var Files = files
