// Made from locale/zh_Hans/LC_MESSAGES/django.po by `python -m tests.translations`.

import { learn } from "../words.js";

learn((n) => Number(0), {
  "The file is larger than %(most)s MiB.": "文件超过 %(most)s MiB。",
  "%(count)s notification": [
    "%(count)s 条通知"
  ],
  "%(n)s s": "%(n)s 秒",
  "%(minutes)s min %(seconds)s s": "%(minutes)s 分 %(seconds)s 秒",
  "%(hours)s h %(minutes)s min": "%(hours)s 小时 %(minutes)s 分",
  "time\u0004now": "刚刚",
  "%(count)s s ago": "%(count)s 秒前",
  "%(count)s min ago": "%(count)s 分钟前",
  "%(n)s min": "%(n)s 分钟",
  "%(n)s h": "%(n)s 小时",
  "the answer": "回答",
  "This device": "此设备",
  "Approved %(tool)s.": "已批准 %(tool)s。",
  "Denied %(tool)s.": "已拒绝 %(tool)s。",
  "Next try in": "下次尝试还有",
  "Retried at": "重试于",
  "Was due at": "应于此时",
  "It is selected: press Ctrl+C to copy it.": "已选中：按 Ctrl+C 复制。",
  "Copied.": "已复制。",
  "The file could not be sent (%(status)s). Try again.": "文件发送失败（%(status)s）。请重试。",
  "Remove %(name)s": "移除 %(name)s",
  "%(name)s is attached.": "已附加 %(name)s。",
  "%(name)s was added.": "已添加 %(name)s。",
  "Waiting for the files…": "正在等待文件…",
  "No connection, kept as draft": "没有连接，已保存为草稿",
  "Error: %(title)s": "错误：%(title)s",
  "New step: %(latest)s": [
    "%(count)s 个新步骤，最新的是：%(latest)s"
  ],
  "Approve with %(count)s change": [
    "批准并更改 %(count)s 处"
  ],
  "Approve unchanged": "不更改，直接批准",
  "Not live: signed out": "未实时更新：已退出登录",
  "Not live: no longer there": "未实时更新：已不存在",
  "Not live: too many open windows": "未实时更新：打开的窗口过多",
  "This page asked for too much at once. Back in a moment": "此页面一次请求过多。马上恢复",
  "Not live": "未实时更新",
  "Live, every %(n)s s": "实时，每 %(n)s 秒",
  "Live": "实时",
  "%(count)s waiting": [
    "%(count)s 个待处理"
  ],
  "Stopped the run of %(tool)s.": "已停止 %(tool)s 的运行。",
  "Decided %(tool)s.": "已决定 %(tool)s。",
  "%(count)s more like this": [
    "另有 %(count)s 个类似的"
  ],
  "Select all %(count)s": [
    "选择全部 %(count)s 个"
  ],
  "Dismiss": "关闭",
  "This call was decided meanwhile. What you typed was not sent; it can still be copied.": "此调用已有决定。输入的内容未发送，但仍可复制。",
  "%(count)s selected": [
    "已选择 %(count)s 个"
  ],
  "Approve %(count)s": [
    "批准 %(count)s 个"
  ],
  "Deny %(count)s": [
    "拒绝 %(count)s 个"
  ],
  "Checking…": "正在检查…",
  "Offline since %(time)s": "自 %(time)s 起离线",
  "Reload": "重新加载",
  "As of %(time)s": "截至 %(time)s",
  "no word yet · %(n)s s": "尚无内容 · %(n)s 秒",
  "writing, ≈%(count)s token": [
    "正在写，≈%(count)s 个 token"
  ],
  "%(count)s new step": [
    "%(count)s 个新步骤"
  ],
  "Attempt %(n)s": "第 %(n)s 次尝试",
  "Model %(n)s": "模型 %(n)s",
  "%(model)s is writing": "%(model)s 正在生成",
  "The run ended: %(status)s.": "运行已结束：%(status)s。",
  "step": [
    "步"
  ],
  "The wait was cut short": "等待已提前结束",
  "Catching up, %(count)s step": [
    "正在追赶，还差 %(count)s 个步骤"
  ],
  "Catching up": "正在追赶",
  "Nothing is stored: %(reason)s": "无法存储：%(reason)s",
  "%(count)s new run ↑": [
    "%(count)s 次新运行 ↑"
  ],
  "The run waits for you.": "运行正在等待处理。",
  "A new message.": "有新消息。",
  "You had typed, and it was not sent:": "已输入但未发送：",
  "The browser does not allow notifications of this site. Its settings for the site can change that.": "浏览器不允许本站发送通知，可在浏览器的网站设置中更改。",
  "The browser could not subscribe: %(reason)s": "浏览器无法订阅：%(reason)s",
  "This browser has no web push. On an iPhone, add the site to the home screen first.": "此浏览器不支持网页推送。在 iPhone 上请先将网站添加到主屏幕。",
  "Browsers allow this only over https, and on localhost.": "浏览器仅允许在 https 和 localhost 上使用。",
  "Step %(n)s of %(last)s": "步骤 %(n)s / %(last)s",
  "No connection. Try again.": "没有连接。请重试。",
  "Only the first %(n)s are taken.": "只取前 %(n)s 个。",
  "All have ended.": "全部已结束。",
  "It has ended.": "已结束。",
  "%(count)s has ended.": [
    "%(count)s 个已结束。"
  ],
  "Select a piece of the task first.": "请先选中任务中的一段文字。",
  "The server could not read this. It may be too long: a task may have 256 KiB.": "服务器无法读取。可能太长：任务最多 256 KiB。",
  "This was refused. Your sign-in may have changed: reload the page and try again.": "请求被拒绝。登录状态可能已改变：请重新加载页面后再试。",
  "This does not exist any more.": "它已不存在。",
  "A proxy in front of this site answers in its place (%(status)s): it does not reach the site. Nothing you typed is lost: try again in a moment.": "本站前面的代理代为应答（%(status)s）：它无法连接本站。输入的内容没有丢失：请稍后再试。",
  "A proxy in front of this site refused this as too large (413); the site has not seen it. Nothing you typed is lost: shorten it, or have the proxy's limit raised.": "本站前面的代理因内容过大而拒绝（413）；本站没有收到。输入的内容没有丢失：请缩短内容，或请人提高代理的限制。",
  "The server answered %(status)s. Nothing was lost: try again.": "服务器返回 %(status)s。没有丢失任何内容：请再试一次。",
  "A sound tells when something waits for you": "有事项等待时发出提示音",
  "No sound": "无提示音"
});
