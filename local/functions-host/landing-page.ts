/** What a browser sees at the root of the app, where the real host shows a page of its own. */
export const landingPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Local Functions host</title>
<p>The function app is running. The terminal in which it was started lists its functions.</p>
</html>
`;
