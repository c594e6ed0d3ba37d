"""What a person does on a page before its picture."""

from playwright.async_api import FilePayload, Page

from tests.screenshots.documents import given_files


async def open_call(page: Page) -> None:
    """Change an argument of the call."""
    await page.get_by_text("Edit arguments").click()
    await page.locator(".argument-form .input").first.fill("2026-1199")


async def open_account(page: Page) -> None:
    """Open the menu of the account."""
    await page.locator(".side-account > summary, .tab-more > summary").locator("visible=true").click()


async def open_options(page: Page) -> None:
    """Open the options of a launch."""
    await page.get_by_text("Options", exact=True).first.click()


async def choose_files(page: Page) -> None:
    """Choose the files of a run, one of which is refused."""
    refused: FilePayload = {"name": "scan.pdf", "mimeType": "application/pdf", "buffer": b"no PDF"}
    await page.set_input_files("#id_upload", [*given_files(), refused])
    await page.locator("[data-file-refusals]", has_text="scan.pdf").wait_for()
    await page.locator(".file-chip[data-file]").nth(2).wait_for()


async def open_palette(page: Page) -> None:
    """Open the command palette with a few letters."""
    await page.keyboard.press("Control+k")
    await page.keyboard.type("check")
    await page.locator("#palette [role=option]", has_text="Run “check”").wait_for()


async def open_shortcuts(page: Page) -> None:
    """Open the keyboard map."""
    await page.keyboard.press("?")


async def open_menu(page: Page) -> None:
    """Open the run's menu."""
    await page.get_by_label("More actions").first.click()


async def open_details(page: Page) -> None:
    """Open the details of the first call."""
    await page.locator("[data-inspector-toggle]").click()
    await page.locator("#inspector .inspector-content").wait_for()


async def sign_in_wrongly(page: Page) -> None:
    """Try a password that is not the right one."""
    await page.fill("[name=username]", "ada")
    await page.fill("[name=password]", "not her password")
    async with page.expect_navigation():
        await page.press("[name=password]", "Enter")


async def send_nothing(page: Page) -> None:
    """Send the form as it is."""
    async with page.expect_response(lambda response: response.request.method == "POST"):
        await page.locator("main form [type=submit]").first.click()


async def try_the_tool(page: Page) -> None:
    """Call the calculator."""
    await page.fill("[name=trial-expression]", "17 * 23")
    await page.locator(".tool-trial [type=submit]").click()
    await page.locator("[data-trial]").wait_for()


async def choose_threads(page: Page) -> None:
    """Select the first two threads of the list; on a phone the boxes come with "Select"."""
    if await (select := page.locator("[data-select-mode]")).is_visible():
        await select.click()
    for place in range(2):
        await page.locator("input[name=thread]").nth(place).check()
