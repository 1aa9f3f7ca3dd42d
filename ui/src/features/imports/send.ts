import { api, take } from "@/api/client";
import { ApiProblem } from "@/api/problem";
import type { UploadFile } from "@/api/types";

/** Small enough that a lost connection costs little, and that progress is seen. */
const PIECE = 4 * 1024 * 1024;
const TRIES = 6;

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Sends one piece, or asks how far the server is when that fails, so that the next try goes on there. */
async function piece(upload: string, file: UploadFile, content: Blob, offset: number): Promise<UploadFile> {
  return take(
    api.PUT("/api/v1/uploads/{upload}/files/{file}/content", {
      params: { path: { upload, file: file.id }, query: { offset } },
      body: content as unknown as string,
      bodySerializer: (body) => body as unknown as BodyInit,
      headers: { "content-type": "application/octet-stream" },
    }),
  );
}

async function known(upload: string, file: UploadFile): Promise<UploadFile> {
  const it = await take(api.GET("/api/v1/uploads/{upload}", { params: { path: { upload } } }));
  return it.files.find((f) => f.id === file.id) ?? file;
}

/** Sends a file from where the server has it, again and again while the connection is bad. */
export async function send(
  upload: string,
  content: File,
  progress: (sent: number, total: number) => void,
): Promise<UploadFile> {
  let file = await take(
    api.POST("/api/v1/uploads/{upload}/files", {
      params: { path: { upload } },
      body: {
        name: content.name,
        bytes: content.size,
        modified_at: new Date(content.lastModified).toISOString(),
      },
    }),
  );
  let failures = 0;
  while (file.state === "receiving") {
    progress(file.received, content.size);
    try {
      file = await piece(upload, file, content.slice(file.received, file.received + PIECE), file.received);
      failures = 0;
    } catch (error) {
      const again = error instanceof ApiProblem && (error.transient || error.status === 409);
      failures += 1;
      if (!again || failures >= TRIES) throw error;
      await pause(500 * 2 ** failures);
      file = await known(upload, file).catch(() => file);
    }
  }
  progress(content.size, content.size);
  return file;
}
