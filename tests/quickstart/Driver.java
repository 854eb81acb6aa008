import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import javax.tools.ToolProvider;

/** Compiles the program of a page and runs its commands, one line each, in one machine: starting one takes a second. */
public class Driver {
    public static void main(String[] folders) throws Exception {
        Path folder = Path.of(folders[0]);
        int errors = ToolProvider.getSystemJavaCompiler().run(null, System.out, System.out, folder.resolve("Till.java").toString());
        if (errors != 0) {
            System.exit(1);
        }
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in));
        try (URLClassLoader loader = new URLClassLoader(new URL[] {folder.toUri().toURL()}, ClassLoader.getPlatformClassLoader())) {
            var main = loader.loadClass("Till").getMethod("main", String[].class);
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                main.invoke(null, (Object) line.split(" "));
                System.out.println("--");
                System.out.flush();
            }
        }
    }
}
